"""Fields that Go's types always write, given or not: those without `omitempty`.

Most are written as their zero, which OpenAPI tells as their default; times, lists and some pointers as null.
"""

from __future__ import annotations

from typing import Any

from apimachinery.protobuf import messages, unwritten_zeros
from apimachinery.schema.node import SchemaNode

_NULLS: dict[str, tuple[str, ...]] = {
    "AzureFilePersistentVolumeSource": ("secretNamespace",),
    "ContainerImage": ("names",),
    "LimitRangeSpec": ("limits",),
    "TypedLocalObjectReference": ("apiGroup",),
    "TypedObjectReference": ("apiGroup",),
}
"""Lists and pointers of valid objects that are written as null."""
_TIMES = ("apimachinery.pkg.apis.meta.v1.Time", "apimachinery.pkg.apis.meta.v1.MicroTime")


def written_always(node: SchemaNode) -> dict[str, Any]:
    """What stands in the JSON of a built-in type at the least: a field's zero each.

    Which parts an object has (metadata, spec, status) is left to its kind's strategy.
    """
    message = node.definition_name.removeprefix("io.k8s.")
    if message not in messages():
        return {}
    omitted = unwritten_zeros(message)
    parts = () if node.extension("group-version-kind") is None else ("metadata", "spec", "status")
    zeros = {
        name: raw["default"]
        for name, raw in node.fields.items()
        if _is_zero(raw.get("default")) and name not in omitted and name not in parts
    }
    return {**zeros, **dict.fromkeys(_NULLS.get(node.struct_name, ())), **dict.fromkeys(_times(message))}


def _is_zero(value: Any) -> bool:
    return value is not None and not value


def _times(message: str) -> list[str]:
    """Times that are no pointers; Go leaves out creationTimestamp alone of them."""
    return [
        field.name
        for field in messages()[message].values()
        if field.type in _TIMES
        and not (field.optional or field.repeated or field.is_map)
        and field.name != "creationTimestamp"
    ]
