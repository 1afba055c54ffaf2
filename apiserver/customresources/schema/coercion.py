"""The metadata of embedded resources, held against ObjectMeta: checked, pruned, and validated.

Source: pkg/apiserver/schema/objectmeta of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

import functools
from typing import Any

from apimachinery import names
from apimachinery.field import Errors, Path, invalid, required
from apimachinery.metadata import validate_metadata
from apimachinery.objects import Object
from apimachinery.schema import Checked, Checker, TypeProblem, builtin, compile_checker
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural

_ROOT = Path()
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@functools.cache
def _metadata_checker() -> Checker:
    return compile_checker(builtin().definition(_OBJECT_META))


class StructuralChecker:
    """What decoding asks about a custom resource: in the place of a built-in kind's compiled checker."""

    def __init__(self, schema: Structural) -> None:
        self._schema = schema

    def check(self, obj: Object, *, prune: bool = False) -> Checked:
        """Drops unknown fields in place (asked to or not: nothing keeps them) and tells of them."""
        problems: list[TypeProblem] = []
        unknown: list[str] = []
        _coerce(obj, self._schema, "", problems, unknown)
        unknown += _pruned(obj, self._schema)
        return Checked(problems, sorted(unknown))


_pruned = prune


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


def validate_embedded(value: Any, schema: Structural | None, path: Path = _ROOT) -> Errors:
    """Every error of the resources inside `value`; not of itself."""
    if schema is None:
        return
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _resource_errors(each, schema.items, path.index(index))
    elif isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, (dict, list)):
                at = path.child(name) if name in schema.properties else path.key(name)
                yield from _resource_errors(each, schema.child(name), at)


def _resource_errors(value: Any, schema: Structural | None, path: Path) -> Errors:
    if schema is not None and schema.is_resource and isinstance(value, dict):
        yield from _type_errors(value, path)
        metadata = value.get("metadata")
        if isinstance(metadata, dict):
            shown = {**metadata, "name": metadata.get("name") or "fakename"}
            namespaced = bool(metadata.get("namespace"))
            yield from validate_metadata(
                shown, namespaced=namespaced, name_check=names.is_path_segment, path=path.child("metadata")
            )
    yield from validate_embedded(value, schema, path)


def _type_errors(value: Object, path: Path) -> Errors:
    for name in ("apiVersion", "kind"):
        if name not in value:
            yield required(path.child(name))
        elif not value[name]:
            yield invalid(path.child(name), value[name], "must not be empty")
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if isinstance(api_version, str) and api_version.count("/") > 1:
        text = f"unexpected GroupVersion string: {api_version}"
        yield invalid(path.child("apiVersion"), api_version, text)
    if isinstance(kind, str) and kind and (wrong := names.is_dns1035_label(kind.lower())):
        text = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
        yield invalid(path.child("kind"), kind, text)
