"""Which old value stands where a new one does: what ratcheting and transition rules compare.

Items of lists can be told apart by the keys of a map list only.
Source: staging/src/k8s.io/apiserver/pkg/cel/common/equality.go of Kubernetes 1.34.
"""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from apiserver.customresources.schema.structural import LIST_MAP_KEYS, LIST_TYPE


class _Unrelated:
    """There is no old value that the new one could be a change of."""

    def __repr__(self) -> str:
        return "UNRELATED"


UNRELATED: Any = _Unrelated()


def related_field(old: Any, name: str) -> Any:
    """What stood in the field of an object, or under the key of a map."""
    return old.get(name, UNRELATED) if isinstance(old, dict) else UNRELATED


def related_item(schema: Object, new: list[Any], old: Any, index: int) -> Any:
    """The old item with the keys of the new one; of items with the same keys the first."""
    item = new[index]
    if not isinstance(old, list) or schema.get(LIST_TYPE) != "map" or not isinstance(item, dict):
        return UNRELATED
    keys = schema.get(LIST_MAP_KEYS) or ()
    defaults = _key_defaults(schema, keys)
    wanted = [item.get(key, defaults[key]) for key in keys]
    for each in old:
        if isinstance(each, dict) and [each.get(key, defaults[key]) for key in keys] == wanted:
            return each
    return UNRELATED


def _key_defaults(schema: Object, keys: Any) -> Object:
    properties = (schema.get("items") or {}).get("properties") or {}
    return {key: (properties.get(key) or {}).get("default") for key in keys}
