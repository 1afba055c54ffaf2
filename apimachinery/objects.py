"""What every API object has: a kind, a name, labels, owners. Reads plain dicts as they stand on the wire.

Owns nothing about single kinds; those have their own modules (`pods`, `taints`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar, cast

import orjson

Object = dict[str, Any]
T = TypeVar("T")


class NamespacedName(NamedTuple):
    """The name under which an object of a known kind is found; the key of caches and queues."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def key_of(obj: Object) -> NamespacedName:
    metadata = obj.get("metadata") or {}
    return NamespacedName(metadata.get("namespace") or "", metadata.get("name") or "")


def name_of(obj: Object) -> str:
    return cast(str, (obj.get("metadata") or {}).get("name") or "")


def namespace_of(obj: Object) -> str:
    return cast(str, (obj.get("metadata") or {}).get("namespace") or "")


def uid_of(obj: Object) -> str:
    return cast(str, (obj.get("metadata") or {}).get("uid") or "")


def labels_of(obj: Object) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def resource_version_of(obj: Object) -> str:
    return cast(str, (obj.get("metadata") or {}).get("resourceVersion") or "")


def is_terminating(obj: Object) -> bool:
    """Whether deletion has been asked for and something (grace, finalizers) still holds the object."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def owners_of(obj: Object) -> list[Object]:
    return (obj.get("metadata") or {}).get("ownerReferences") or []


def controller_of(obj: Object) -> Object | None:
    """The owner reference that manages the object, if one does."""
    return next((ref for ref in owners_of(obj) if ref.get("controller")), None)


def owner_reference(owner: Object, *, controller: bool = True, block_owner_deletion: bool = True) -> Object:
    """A reference to `owner`, which must carry its apiVersion and kind."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": controller,
        "blockOwnerDeletion": block_owner_deletion,
    }


def deep_copy(value: T) -> T:
    """A copy that shares nothing. A JSON round trip: an order of magnitude faster than copy.deepcopy."""
    return cast(T, orjson.loads(orjson.dumps(value)))


def get_path(obj: Any, path: str | Iterable[str], default: Any = None) -> Any:
    """The value at a dotted path of map keys, or `default` where the path ends early or holds null."""
    for part in path.split(".") if isinstance(path, str) else path:
        if not isinstance(obj, dict):
            return default
        obj = obj.get(part)
    return default if obj is None else obj
