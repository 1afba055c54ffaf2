"""Custom resources in OpenAPI: the definitions of their kinds, for v3 and, with less in them, for v2. Pure.

Source: pkg/controller/openapi/{builder/builder,v2/conversion}.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.openapi.operations import GVK_EXTENSION, definition_of

Definitions = Mapping[str, Object]
"""Custom kinds' definitions by name, in the form of v3."""

_LIST_META = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_LIST_KINDS = (
    "Standard list metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
_PRESERVE = "x-kubernetes-preserve-unknown-fields"


def definitions_of(resource: Resource, schema: Object) -> dict[str, Object]:
    """The definitions of a custom resource's kind, whose whole schema is given, and of its list."""
    name, list_name = (
        definition_of((*resource.gvk[:2], kind)) for kind in (resource.kind, resource.kind_of_list)
    )
    items = {
        "description": f"List of {resource.plural}. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
        "type": "array",
        "items": {"$ref": f"#/definitions/{name}"},
    }
    of_type = {name: schema["properties"][name] for name in ("apiVersion", "kind")}
    listing: Object = {
        "description": f"{resource.kind_of_list} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            **of_type,
            "items": items,
            "metadata": {"description": _LIST_KINDS, "$ref": _LIST_META},
        },
        GVK_EXTENSION: [_gvk(resource, resource.kind_of_list)],
    }
    return {name: {**schema, GVK_EXTENSION: [_gvk(resource, resource.kind)]}, list_name: listing}


def _gvk(resource: Resource, kind: str) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": kind}


def definition_to_v2(definition: Object) -> Object:
    """A kind's definition for v2. One that keeps what it does not know tells of no fields at all.

    kubectl refuses all others as soon as one is told, which it goes by for lists.
    """
    if not definition.get(_PRESERVE):
        return to_v2(definition)
    return {"type": "object", GVK_EXTENSION: definition[GVK_EXTENSION]}


def to_v2(schema: Object) -> Object:
    """A schema with what v2 and the clients that read it can cope with."""
    out = {key: value for key, value in schema.items() if key not in ("allOf", "anyOf", "oneOf", "not")}
    nullable = out.pop("nullable", False)
    if nullable or out.get(_PRESERVE):
        out.pop("items", None)
        out.pop("properties", None)
    if nullable or (out.get("type") == "array" and "items" not in out):
        out.pop("type", None)
    if out.get(_PRESERVE) and out.get("type") == "object":
        del out["type"]
    properties: dict[str, Any] = out.get("properties") or {}
    if properties:
        out["properties"] = {name: to_v2(each) for name, each in properties.items()}
        required = [each for each in out.get("required", ()) if not properties.get(each, {}).get("nullable")]
        out.pop("required", None)
        out |= {"required": required} if required else {}
    for word in ("items", "additionalProperties"):
        if isinstance(out.get(word), dict):
            out[word] = to_v2(out[word])
    return out
