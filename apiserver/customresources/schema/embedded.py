"""Validation of the resources inside of a custom resource: what they are, and their metadata.

Source: pkg/apiserver/schema/objectmeta/validation.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from typing import Any

from apimachinery import names
from apimachinery.field import Errors, Path, invalid, required
from apimachinery.metadata import validate_metadata
from apimachinery.objects import Object
from apiserver.customresources.schema.structural import Structural

_ROOT = Path()


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
