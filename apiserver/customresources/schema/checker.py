"""What decoding finds in a custom resource: unknown fields, and wrong types in what every object has.

Source: pkg/apiserver/schema/objectmeta/coerce.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

import functools
from typing import Any

from apimachinery.objects import Object
from apimachinery.schema import Checked, Checker, TypeProblem, builtin, compile_checker
from apiserver.customresources.schema import pruning
from apiserver.customresources.schema.structural import Structural

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@functools.cache
def _metadata_checker() -> Checker:
    return compile_checker(builtin().definition(_OBJECT_META))


class StructuralChecker:
    """Stands where built-in kinds have a compiled Checker."""

    def __init__(self, schema: Structural) -> None:
        self._schema = schema

    def check(self, obj: Object, *, prune: bool = False) -> Checked:
        """Drops unknown fields in place (asked to or not: nothing keeps them) and tells of them."""
        problems: list[TypeProblem] = []
        unknown: list[str] = []
        _coerce(obj, self._schema, "", problems, unknown)
        unknown += pruning.prune(obj, self._schema)
        return Checked(problems, sorted(unknown))


def _coerce(
    value: Any, schema: Structural | None, path: str, problems: list[TypeProblem], unknown: list[str]
) -> None:
    if schema is None:
        return
    if isinstance(value, list):
        for index, each in enumerate(value):
            _coerce(each, schema.items, f"{path}[{index}]", problems, unknown)
    elif isinstance(value, dict):
        prefix = f"{path}." if path else ""
        if schema.is_resource:
            _coerce_resource(value, prefix, problems, unknown)
        for name, each in value.items():
            if isinstance(each, (dict, list)):
                _coerce(each, schema.child(name), prefix + name, problems, unknown)


def _coerce_resource(value: Object, prefix: str, problems: list[TypeProblem], unknown: list[str]) -> None:
    problems += [
        TypeProblem(prefix + name, f"{prefix}{name}: must be a string")
        for name in ("apiVersion", "kind")
        if not isinstance(value.get(name, ""), str)
    ]
    if value.get("metadata") is None:
        return
    checked = _metadata_checker().check(value["metadata"], prune=True)
    problems += [TypeProblem(f"{prefix}metadata.{each.path}", each.message) for each in checked.type_errors]
    unknown += [f"{prefix}metadata.{each}" for each in checked.unknown]
