"""Fields of a JSON schema that hold a schema or something else, which OpenAPI leaves open.

Source: the UnmarshalJSON methods of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.
"""

from __future__ import annotations

from typing import Any, Literal

from apimachinery.schema.findings import NULL, TYPE, UNKNOWN, Check, Finding
from apimachinery.schema.scalars import Fault

Other = Literal["schemas", "strings", "bool"]
UNIONS: dict[str, Other] = {
    "JSONSchemaPropsOrArray": "schemas",
    "JSONSchemaPropsOrBool": "bool",
    "JSONSchemaPropsOrStringArray": "strings",
}
_NOT_BOOL = "boolean or JSON schema expected"


def union(other: Other, of_schema: Check, of_schemas: Check) -> Check:
    """Checks a schema, or a list of them. Of the rest upstream keeps nothing, or says what is wrong."""

    def run(value: Any) -> list[Finding] | None:
        if isinstance(value, dict):
            return _from_inside(of_schema(value))
        if isinstance(value, list) and other != "bool":
            return _from_inside(of_schemas(value)) if other == "schemas" else None
        if other != "bool":
            return [Finding(NULL)]
        return None if isinstance(value, bool) else [Finding(TYPE, fault=Fault(_NOT_BOOL))]

    return run


def _from_inside(found: list[Finding] | None) -> list[Finding] | None:
    """As a decoder of its own leaves it: unknown fields are not told, and errors not where they are."""
    for finding in found or ():
        if finding.kind == UNKNOWN:
            finding.kind = NULL
        if finding.kind == TYPE:
            finding.way.clear()
    return found
