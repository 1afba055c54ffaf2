"""What v3 tells of Go's types beyond v2: zero values in lists and maps, types that are one of two. Pure.

Source: k8s.io/kube-openapi/pkg/generators/openapi.go.
"""

from __future__ import annotations

from typing import Any

_ZEROS = {"string": "", "integer": 0, "number": 0, "boolean": False}


_UNIONS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ("string", "number"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ("integer", "string"),
}


def as_v3_tells(definitions: dict[str, Any]) -> dict[str, Any]:
    """The v2 definitions of Go's types, changed in place."""
    for each in definitions.values():
        _fill(each, definitions)
    for name, types in _UNIONS.items():
        del definitions[name]["type"]
        definitions[name]["oneOf"] = [{"type": each} for each in types]
    return definitions


def _fill(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    for each in schema.get("properties", {}).values():
        _fill(each, definitions)
    for place in ("items", "additionalProperties"):
        element = schema.get(place)
        if isinstance(element, dict):
            _fill(element, definitions)
            zero = _zero_of(element, definitions)
            if zero is not None:
                element.setdefault("default", zero)


def _zero_of(element: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """None of what has none: lists, maps, and types that write themselves."""
    reference = element.get("$ref")
    if reference is None:
        return None if element.get("format") == "byte" else _ZEROS.get(element.get("type", ""))
    return {} if "properties" in definitions[reference.rpartition("/")[2]] else None
