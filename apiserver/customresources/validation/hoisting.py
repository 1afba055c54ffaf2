"""What all versions say alike is validated once, above them, as upstream does: its error paths show it. Pure.

Source: pkg/apis/apiextensions/v1/conversion.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object

_HOISTED = {
    "schema": "validation",
    "subresources": "subresources",
    "additionalPrinterColumns": "additionalPrinterColumns",
    "selectableFields": "selectableFields",
}


def hoisted(spec: Object) -> Object:
    """A spec in the form that is validated: a shallow copy, in which nothing is told twice."""
    versions: list[Object] = [dict(each) for each in spec.get("versions") or ()]
    result: Object = {**spec, "versions": versions}
    for name, above in _HOISTED.items():
        values: list[Any] = [each.get(name) for each in versions]
        if values and values[0] and all(value == values[0] for value in values):
            result[above] = values[0]
            for each in versions:
                del each[name]
    if versions:
        result["version"] = versions[0].get("name") or ""
    return result


def subresources_of(spec: Object, version: Object) -> Object:
    """Those of one of the versions of a hoisted spec."""
    found: Object = version.get("subresources") or spec.get("subresources") or {}
    return found
