"""The scale subresource: the replicas of a workload behind one small kind, whatever the workload is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from apimachinery.errors import BadRequestError, ConflictError, InternalError, InvalidError
from apimachinery.field import Path, invalid
from apimachinery.merge.fields import Path as FieldPath
from apimachinery.merge.shape import shape_of
from apimachinery.objects import Object, get_path
from apimachinery.schema import builtin
from apimachinery.scheme import Resource
from apimachinery.times import format_time
from apiserver.admission.attributes import AsItIs
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_object, send_value
from apiserver.handlers.apply import APPLY, read_configuration
from apiserver.handlers.patch import decode_patched, read_patch
from apiserver.handlers.tables import column, include_object, partial_metadata
from apiserver.managed_fields.book import stored_book, write
from apiserver.managed_fields.scale import API_VERSION, to_scale, to_workload
from apiserver.managed_fields.tracker import Tracker
from apiserver.managed_fields.updating import Door
from apiserver.managed_fields.versions import Version, Versions
from apiserver.registry import rules
from apiserver.registry.options import WriteOptions, parse_write_options
from apiserver.registry.store import Store
from apiserver.registry.strategies.tables import age
from apiserver.registry.strategy import AGE_COLUMN, NAME_COLUMN, Column
from apiserver.registry.tracking import manager_of
from apiserver.registry.updating import Target
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

_EXPECTED = bodies.Expected(API_VERSION, "Scale")
_COLUMNS = (NAME_COLUMN, Column("Desired", "integer"), Column("Available", "integer"), AGE_COLUMN)
_KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(store: Store, obj: Object) -> Object:
    """A workload as a Scale, without replicas that are 0 or not said and a selector of nothing."""
    metadata, strategy = obj["metadata"], store.strategy
    replicas, selector = strategy.replicas(obj), strategy.scale_selector(obj)
    status: Object = {"replicas": get_path(obj, strategy.status_replicas_path, 0)}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in _KEPT if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status | {"selector": selector} if selector else status,
    }


async def get_scale(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    entry = await store.get(store.namespace_of(info), info.name)
    await store.codec.prepare([entry])
    obj = store.codec.judged(entry)
    if store.strategy.replicas(obj) is None:
        raise InternalError(f'the spec replicas field "{_path(store)}" does not exist')
    await _send(info, send, store, scale_of(store, obj))


async def _send(info: RequestInfo, send: Send, store: Store, scale: Object) -> None:
    """Scale has columns of its own."""
    if info.wanted.form != "Table":
        await send_object(info, send, scale, "autoscaling.Scale")
        return
    counts = [each.get("replicas") or 0 for each in (scale["spec"], scale["status"])]
    cells = [scale["metadata"]["name"], *counts, age(scale, store.shared.now())]
    version, metadata = info.wanted.version, scale["metadata"]
    row = {"None": None, "Object": scale}.get(include_object(info), partial_metadata(scale, version))
    table = {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {"resourceVersion": metadata["resourceVersion"]},
        "columnDefinitions": [column(each) for each in _COLUMNS],
        "rows": [{"cells": cells, "object": row}],
    }
    await send_value(info, send, table)


def _path(store: Store) -> str:
    return f".{'.'.join(store.strategy.replicas_path)}"


async def update_scale(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    options = parse_write_options(info.query, "UpdateOptions")
    body = await bodies.read(info, receive)
    scale = await bodies.decode(info, body, _EXPECTED, options.field_validation)
    rules.set_namespace(store.resource, store.namespace_of(info), scale)
    rules.check_name(info.name, scale)
    await _update(info, send, store, options, _tracked(info, store, options, lambda current: scale))


async def patch_scale(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    if bodies.content_type(info) == APPLY:
        configuration = await read_configuration(info, receive, _EXPECTED)
        return await _update(
            info,
            send,
            store,
            configuration.options,
            lambda current: configuration.apply(_tracker(), current, format_time(store.shared.now())),
        )
    patch, options = await read_patch(info, receive, _EXPECTED, is_custom=not store.codec.has_protobuf)

    def patched(current: Object) -> Object:
        scale = decode_patched(info, patch, current, _EXPECTED, options)
        rules.check_name(info.name, scale)
        return scale

    await _update(info, send, store, options, _tracked(info, store, options, patched))


@cache
def _tracker() -> Tracker:
    version = Version(shape_of(builtin().node(_EXPECTED.api_version, _EXPECTED.kind)))
    return Tracker(Door(API_VERSION, Versions({API_VERSION: version}), "scale"))


def _tracked(
    info: RequestInfo, store: Store, options: WriteOptions, change: Callable[[Object], Object]
) -> Callable[[Object], Object]:
    """The change, with whoever manages the replicas after it."""

    def tracked(current: Object) -> Object:
        scale = change(current)
        manager, now = manager_of(info, options.field_manager), format_time(store.shared.now())
        _tracker().track(current, scale, manager, now)
        return scale

    return tracked


async def _update(
    info: RequestInfo, send: Send, store: Store, options: WriteOptions, change: Callable[[Object], Object]
) -> None:
    async def scaled(entry: Entry | None) -> Object:
        assert entry is not None  # workloads aren't created by scaling them
        obj, replicas = store.codec.judged(entry), _owned(store)
        book, scale = stored_book(obj), scale_of(store, obj)
        scale["metadata"]["managedFields"] = write(to_scale(book, replicas))
        wanted = change(scale)
        scaled = _with_scale(store, obj, wanted, info.name)
        owners = to_workload(book, stored_book(wanted), replicas, obj["apiVersion"])
        scaled["metadata"]["managedFields"] = write(owners)
        return scaled

    target = Target(store.namespace_of(info), info.name, "scale", is_tracked=True, forms=ScaleForms(store))
    entry, _ = await store.update(info, target, scaled, options)
    await store.codec.prepare([entry])
    await _send(info, send, store, scale_of(store, store.codec.judged(entry)))


class ScaleForms(AsItIs):
    """Of a workload that is scaled, admission's webhooks see the Scale."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def shown(self, obj: Object, resource: Resource) -> Object:
        return scale_of(self._store, obj)

    async def taken(self, current: Object, changed: Object, resource: Resource) -> Object:
        return _with_scale(self._store, current, changed, current["metadata"]["name"])


def _owned(store: Store) -> FieldPath:
    """Where managers of the replicas have them."""
    return tuple(f"f:{name}" for name in store.strategy.replicas_path)


def _with_scale(store: Store, obj: Object, scale: Object, name: str) -> Object:
    """The workload with a Scale's replicas, under the Scale's preconditions. Raises InvalidError."""
    given, current = (scale.get("spec") or {}).get("replicas"), store.strategy.replicas(obj)
    if given is None and current is None:
        raise BadRequestError(f'the spec replicas field "{_path(store)}" cannot be empty')
    replicas = given or 0
    if replicas < 0:
        error = invalid(Path("spec", "replicas"), replicas, "must be greater than or equal to 0")
        raise InvalidError("Scale.autoscaling", name, [error])
    wanted = scale["metadata"]
    metadata = dict(obj["metadata"])
    if (uid := wanted.get("uid") or metadata["uid"]) != metadata["uid"]:
        text = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
        raise ConflictError(_subresource(store), name, text)
    metadata["resourceVersion"] = wanted.get("resourceVersion") or metadata["resourceVersion"]
    return _with(obj | {"metadata": metadata}, store.strategy.replicas_path, replicas)


def _subresource(store: Store) -> str:
    """As errors call it: deployments/scale.apps."""
    plural, dot, group = store.resource.group_resource.partition(".")
    return f"{plural}/scale{dot}{group}"


def _with(obj: Object, path: Sequence[str], value: object) -> Object:
    """A copy with another value at a path of fields."""
    first, *rest = path
    return obj | {first: _with(obj.get(first) or {}, rest, value) if rest else value}
