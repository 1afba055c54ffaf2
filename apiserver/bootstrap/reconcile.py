"""Makes wanted objects exist: creates what is missing, adds what an older one lacks, takes nothing away.

Only a binding to another role is deleted and made anew.

Source: pkg/registry/rbac/reconciliation of Kubernetes 1.34. What says autoupdate "false" is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from apimachinery.errors import AlreadyExistsError, ConflictError, NotFoundError
from apimachinery.objects import Object, annotations_of, deep_copy, uid_of
from apimachinery.policy_rules import Rule, uncovered
from apimachinery.scheme import Resource
from apimachinery.well_known import RBAC_AUTOUPDATE
from apiserver.bootstrap.policy import Wanted
from apiserver.identity import NAME, own_request
from apiserver.registry.options import DeleteOptions, WriteOptions
from apiserver.registry.store import Store
from apiserver.registry.stores import StoreKey, store_of
from apiserver.registry.updating import Target
from apiserver.storage.entry import Entry

_AT_ONCE = 16


class Bootstrapper:
    """Writes through the stores of this process, as the apiserver itself."""

    def __init__(self, stores: Mapping[StoreKey, Store], manager: str = NAME) -> None:
        """`manager`: whose the fields are then."""
        self._stores = stores
        self._options = WriteOptions(field_manager=manager)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def ensure_all(self, wanted: Sequence[Wanted]) -> None:
        async with asyncio.TaskGroup() as group:
            for each in wanted:
                group.create_task(self.ensure(each))

    async def ensure(self, wanted: Wanted) -> None:
        async with self._places:
            existing = self.lookup(wanted.resource, wanted.obj)
            if existing is None:
                await self._create(wanted)
            elif binds_another_role(existing, wanted.obj):
                await self._recreate(wanted, existing)
            elif merged(existing, wanted.obj) is not None:
                await self.change(wanted, lambda current: merged(current, wanted.obj))

    def lookup(self, resource: Resource, obj: Object) -> Object | None:
        metadata = obj["metadata"]
        entry = self._store(resource).cache.get(metadata.get("namespace", ""), metadata["name"])
        return entry.obj if entry else None

    async def _create(self, wanted: Wanted) -> None:
        store = self._store(wanted.resource)
        obj = deep_copy(wanted.obj)
        store.strategy.default(obj)
        try:
            await store.create(
                own_request("create"), obj["metadata"].get("namespace", ""), obj, self._options
            )
        except AlreadyExistsError:
            # Another apiserver was faster.
            return

    async def _recreate(self, wanted: Wanted, existing: Object) -> None:
        """What a binding refers to is never changed, so that another takes its place."""
        with suppress(NotFoundError):
            await self.delete(wanted, DeleteOptions(uid=uid_of(existing)))
        await self._create(wanted)

    async def delete(self, wanted: Wanted, options: DeleteOptions) -> None:
        """Raises NotFoundError, and ConflictError if it is not the one that `options` mean."""
        metadata = wanted.obj["metadata"]
        await self._store(wanted.resource).delete(
            own_request("delete"), metadata.get("namespace", ""), metadata["name"], options
        )

    async def replace(self, wanted: Wanted, keys: Sequence[str]) -> None:
        """Makes the values under `keys` exactly those wanted."""
        existing = self.lookup(wanted.resource, wanted.obj)
        if existing is None:
            return await self._create(wanted)
        values = {key: wanted.obj[key] for key in keys if key in wanted.obj}
        if any(existing.get(key) != value for key, value in values.items()):
            await self.change(wanted, lambda current: {**current, **values})

    async def change(
        self, wanted: Wanted, change_to: Callable[[Object], Object | None], subresource: str = ""
    ) -> None:
        """Writes what `change_to` makes of the stored object; None: it may stay."""
        store = self._store(wanted.resource)
        metadata = wanted.obj["metadata"]

        async def change(entry: Entry | None) -> Object:
            assert entry is not None
            current = entry.obj
            return change_to(current) or current

        target = Target(metadata.get("namespace", ""), metadata["name"], subresource)
        try:
            await store.update(own_request("update"), target, change, self._options)
        except ConflictError:
            return

    def _store(self, resource: Resource) -> Store:
        return store_of(self._stores, resource)


def binds_another_role(existing: Object, wanted: Object) -> bool:
    """Whether a binding refers to another role than it should, and may be touched. Pure."""
    return not _is_protected(existing) and existing.get("roleRef") != wanted.get("roleRef")


def _is_protected(existing: Object) -> bool:
    return annotations_of(existing).get(RBAC_AUTOUPDATE) == "false"


def merged(existing: Object, wanted: Object) -> Object | None:
    """`existing` with what `wanted` has besides, or None if nothing is missing. Pure."""
    if _is_protected(existing):
        return None
    result: Object = deep_copy(existing)
    _add_missing_metadata(result, wanted)
    for key in ("rules", "subjects"):
        if key in wanted:
            result[key] = (existing.get(key) or []) + _missing(key, existing.get(key) or [], wanted[key])
    if wanted.get("data") is not None:
        result["data"] = {**(existing.get("data") or {}), **wanted["data"]}
    return result if result != existing and _differs(result, existing) else None


def _differs(result: Object, existing: Object) -> bool:
    """Whether more than the absence of empty lists changed."""
    keys = {*result, *existing}
    return any((result.get(key) or None) != (existing.get(key) or None) for key in keys)


def _add_missing_metadata(result: Object, wanted: Object) -> None:
    for key in ("labels", "annotations"):
        values = wanted["metadata"].get(key)
        if values:
            result["metadata"][key] = {**values, **(result["metadata"].get(key) or {})}


def _missing(key: str, existing: list[Object], wanted: list[Object]) -> list[Object]:
    if key == "subjects":
        return [subject for subject in wanted if not any(_is_same(subject, each) for each in existing)]
    owned = [Rule.parse(raw) for raw in existing]
    return [raw for raw in wanted if uncovered(owned, [Rule.parse(raw)])]


def _is_same(first: Object, second: Object) -> bool:
    return all(first.get(key, "") == second.get(key, "") for key in ("kind", "name", "namespace"))
