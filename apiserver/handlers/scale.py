"""The scale subresource: the replicas of a workload behind one small kind, whatever the workload is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apimachinery.errors import InvalidError, NotFoundError
from apimachinery.field import Path, invalid
from apimachinery.labels import selector_from_label_selector, selector_from_map
from apimachinery.objects import Object
from apimachinery.scheme import REPLICATION_CONTROLLERS
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_value
from apiserver.handlers.patch import decode_patched, read_patch
from apiserver.registry.options import WriteOptions, parse_write_options
from apiserver.registry.store import Store
from apiserver.registry.updating import Target
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

_EXPECTED = bodies.Expected("autoscaling/v1", "Scale")
_KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(store: Store, obj: Object) -> Object:
    """A workload as a Scale."""
    spec = obj.get("spec") or {}
    selector = spec.get("selector")
    of_map = store.resource == REPLICATION_CONTROLLERS
    text = str(selector_from_map(selector) if of_map else selector_from_label_selector(selector))
    metadata = obj["metadata"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in _KEPT if name in metadata},
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {"replicas": (obj.get("status") or {}).get("replicas", 0), "selector": text},
    }


async def get_scale(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    with _named(store, info.name):
        entry = await store.get(info.namespace, info.name)
    await send_value(info, send, scale_of(store, entry.obj))


async def update_scale(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    options = parse_write_options(info.query, "UpdateOptions")
    body = await bodies.read(info, receive)
    scale = bodies.decode(info, body, _EXPECTED, options.field_validation)
    await _update(info, send, store, options, lambda current: scale)


async def patch_scale(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    apply, options = await read_patch(info, receive, _EXPECTED)
    await _update(
        info, send, store, options, lambda current: decode_patched(info, apply(current), _EXPECTED, options)
    )


async def _update(
    info: RequestInfo, send: Send, store: Store, options: WriteOptions, change: Callable[[Object], Object]
) -> None:
    async def scaled(entry: Entry | None) -> Object:
        assert entry is not None  # workloads aren't created by scaling them
        obj = entry.obj
        return _with_scale(obj, change(scale_of(store, obj)), info.name)

    target = Target(info.namespace, info.name, "scale")
    with _named(store, info.name):
        entry, _ = await store.update(info, target, scaled, options)
    await send_value(info, send, scale_of(store, entry.obj))


def _with_scale(obj: Object, scale: Object, name: str) -> Object:
    """The workload with a Scale's replicas, under the Scale's preconditions. Raises InvalidError."""
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        error = invalid(Path("spec", "replicas"), replicas, "must be greater than or equal to 0")
        raise InvalidError("Scale.autoscaling", name, [error])
    wanted = scale["metadata"]
    metadata = dict(obj["metadata"])
    metadata["resourceVersion"] = wanted.get("resourceVersion") or metadata["resourceVersion"]
    metadata["uid"] = wanted.get("uid") or metadata["uid"]
    return obj | {"metadata": metadata, "spec": obj["spec"] | {"replicas": replicas}}


@contextmanager
def _named(store: Store, name: str) -> Iterator[None]:
    """Says `replicasets/scale` where the store says `replicasets`."""
    try:
        yield
    except NotFoundError:
        group = f".{store.resource.group}" if store.resource.group else ""
        raise NotFoundError(f"{store.resource.plural}/scale{group}", name) from None
