"""A schema with every kind of list and map, for tables."""

from __future__ import annotations

from typing import Any

from apimachinery.merge.shape import Shape, shape_of
from apimachinery.schema import builtin
from apimachinery.schema.node import SchemaNode, SchemaSet

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}


def struct(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


def listed(items: Any, kind: str, *keys: str) -> dict[str, Any]:
    raw: dict[str, Any] = {"type": "array", "items": items, "x-kubernetes-list-type": kind}
    return raw | ({"x-kubernetes-list-map-keys": list(keys)} if keys else {})


PORT = struct(port=INTEGER, protocol=STRING | {"default": "TCP"}, name=STRING)
EVERYTHING = struct(
    text=STRING,
    number=INTEGER,
    flag={"type": "boolean"},
    struct=struct(a=STRING, b=STRING),
    atomic=struct(a=STRING, b=STRING) | {"x-kubernetes-map-type": "atomic"},
    map={"type": "object", "additionalProperties": STRING},
    list={"type": "array", "items": STRING},
    set=listed(STRING, "set"),
    ports=listed(PORT, "map", "port", "protocol"),
    free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
)


def everything() -> Shape:
    return shape_of(SchemaNode(EVERYTHING, SchemaSet({})))


def of_kind(api_version: str, kind: str) -> Shape:
    return shape_of(builtin().node(api_version, kind))
