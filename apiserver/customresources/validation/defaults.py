"""The defaults of a schema: each must be what the schema lets pass.

Source: pkg/apiserver/schema/defaulting/validation.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from typing import Any

from apimachinery.field import ErrorList, Path, invalid
from apimachinery.objects import deep_copy
from apiserver.customresources.schema.checker import StructuralChecker
from apiserver.customresources.schema.embedded import validate_embedded
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import META_FIELDS, Structural
from apiserver.customresources.schema.values import ValueValidator


def validate_defaults(schema: Structural, path: Path, *, inside_metadata: bool = False) -> ErrorList:
    """Those in additionalProperties are not looked at: they are never filled in on their own."""
    inside_metadata = inside_metadata and not schema.is_resource
    errors: ErrorList = []
    if schema.default is not None:
        errors += _validate_default(schema, path.child("default"), inside_metadata)
    if not schema.has_defaults:
        return errors
    if schema.items is not None:
        errors += validate_defaults(schema.items, path.child("items"), inside_metadata=inside_metadata)
    for name, each in schema.properties.items():
        inside = inside_metadata or (schema.is_resource and name in META_FIELDS)
        errors += validate_defaults(each, path.child("properties").key(name), inside_metadata=inside)
    return errors


def _validate_default(schema: Structural, path: Path, inside_metadata: bool) -> ErrorList:
    errors: ErrorList = []
    value: Any = deep_copy(schema.default)
    if not inside_metadata:
        if prune(deep_copy(value), schema):
            errors.append(invalid(path, schema.default, "must not have unknown fields"))
        checked = StructuralChecker(schema).check(value)
        if checked.type_errors:
            return [*errors, *(invalid(path, schema.default, each.message) for each in checked.type_errors)]
        if wrong := [*validate_embedded(value, schema, path)]:
            return errors + wrong
    return errors + ValueValidator(schema.raw).validate(schema.default, base=str(path))
