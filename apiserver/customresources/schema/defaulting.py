"""Filling in the defaults of a structural schema.

Source: pkg/apiserver/schema/defaulting of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from typing import Any

from apimachinery.objects import deep_copy
from apiserver.customresources.schema.structural import Structural


def apply_defaults(value: Any, schema: Structural) -> None:
    """Drops nulls where there may be none, then fills in what is missing; in place."""
    drop_nulls(value, schema)
    _fill(value, schema)


def drop_nulls(value: Any, schema: Structural | None) -> None:
    """A null that is not allowed goes, unless a default takes its place."""
    if schema is None:
        return
    if isinstance(value, dict):
        for name in [*value]:
            inner = schema.child(name)
            if inner is not None and value[name] is None and not inner.nullable and inner.default is None:
                del value[name]
            else:
                drop_nulls(value[name], inner)
    elif isinstance(value, list):
        for each in value:
            drop_nulls(each, schema.items)


def _fill(value: Any, schema: Structural | None) -> None:
    if schema is None or not schema.has_defaults:
        return
    if isinstance(value, dict):
        for name, inner in schema.properties.items():
            if inner.default is not None and (name not in value or _is_refused_null(value[name], inner)):
                value[name] = deep_copy(inner.default)
        for name in value:
            inner_schema = schema.child(name)
            if inner_schema is not None:
                if name not in schema.properties and _is_refused_null(value[name], inner_schema):
                    value[name] = deep_copy(inner_schema.default)
                _fill(value[name], inner_schema)
    elif isinstance(value, list) and schema.items is not None:
        for index, each in enumerate(value):
            if _is_refused_null(each, schema.items):
                value[index] = deep_copy(schema.items.default)
            _fill(value[index], schema.items)


def _is_refused_null(value: Any, schema: Structural) -> bool:
    return value is None and not schema.nullable
