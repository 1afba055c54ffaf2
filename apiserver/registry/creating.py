"""A create: mutating admission, system fields, strategy, validation, validating admission, a transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from apimachinery.errors import AlreadyExistsError
from apimachinery.objects import Object
from apiserver.admission.attributes import Attributes
from apiserver.cel.patience import patiently
from apiserver.registry import rules
from apiserver.registry.generated_names import MAX_TRIES
from apiserver.registry.options import WriteOptions
from apiserver.registry.owner_references import dedup_owner_references
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry
from apiserver.storage.interface import KeyExists

if TYPE_CHECKING:
    from apiserver.registry.store import Store


async def create(
    store: Store, info: RequestInfo, namespace: str, obj: Object, options: WriteOptions
) -> Entry:
    """The new entry. Raises AlreadyExistsError, InvalidError and whatever admission refuses with."""
    rules.set_namespace(store.resource, namespace, obj)
    info.warnings += dedup_owner_references(obj)
    store.track(info, None, obj, options)
    attributes = creation_attributes(store, info, obj, options)
    await admit(store, attributes, obj)
    generated = bool(obj["metadata"].get("generateName") and not obj["metadata"].get("name"))
    for _ in range(MAX_TRIES if generated else 1):
        if generated:
            obj["metadata"]["name"] = ""
        entry = await _try(store, attributes, obj, options.dry_run)
        if entry is not None:
            return entry
    raise AlreadyExistsError(store.resource, obj["metadata"]["name"], generated=generated)


def creation_attributes(store: Store, info: RequestInfo, obj: Object, options: WriteOptions) -> Attributes:
    metadata = obj["metadata"]
    return Attributes(
        operation="CREATE",
        resource=store.resource,
        subresource="",
        namespace=metadata.get("namespace") or "",
        name=metadata.get("name") or "",
        object=obj,
        old_object=None,
        user=info.user,
        dry_run=options.dry_run,
        options=options.as_object("CreateOptions"),
        warnings=info.warnings,
        annotations=info.annotations,
        forms=store.forms,
    )


async def admit(store: Store, attributes: Attributes, obj: Object) -> None:
    """Mutating admission, which does not move the object elsewhere. Raises BadRequestError."""
    namespace = attributes.namespace
    await store.admit(attributes)
    attributes.warnings += dedup_owner_references(obj, after_admission=True)
    rules.set_namespace(store.resource, namespace, obj)


def begin(store: Store, attributes: Attributes, obj: Object) -> None:
    """What the system makes of an object that is new, in place."""
    store.shared.disabled.drop(store.resource, obj, None)
    attributes.warnings += store.strategy.warnings_as_sent(obj)
    rules.before_create(store.strategy, obj, store.shared.now(), store.shared.randomness)


async def prepare(store: Store, attributes: Attributes, obj: Object) -> None:
    """Everything between mutating admission and the transaction that cannot allocate."""
    await patiently(partial(rules.validate_create, store.resource, store.strategy, obj))
    attributes.warnings += store.strategy.warnings(obj, None)
    attributes.name = obj["metadata"]["name"]
    await store.validate(attributes)


async def _try(store: Store, attributes: Attributes, obj: Object, dry_run: bool) -> Entry | None:
    """None if the name is taken."""
    begin(store, attributes, obj)
    rollback = await store.strategy.begin_create(store.context(dry_run), obj)
    try:
        await prepare(store, attributes, obj)
        metadata = obj["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        rules.drop_version(obj, dry_run=dry_run)
        stored = await store.codec.to_storage(obj)
        return await store.transactions.create(store.key(namespace, name), stored, dry_run)
    except KeyExists:
        await rollback()
        return None
    except BaseException:
        await rollback()
        raise
