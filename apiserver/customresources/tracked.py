"""Custom resources as managed fields see them: the shapes of all versions, by the version that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apimachinery.merge.shape import shape_of
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import SchemaNode, builtin
from apiserver.customresources.publishing import published
from apiserver.customresources.schema.checker import StructuralChecker
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural
from apiserver.managed_fields.versions import Convert, Version, Versions
from apiserver.registry.tracking import settling


def tracked_versions(spoken: str, schemas: Mapping[str, Structural]) -> Callable[[], Versions]:
    """`schemas` are by apiVersion. Between versions fields are called the same, or are not there."""

    def make() -> Versions:
        return Versions(
            {
                api_version: Version(
                    shape_of(SchemaNode(published(schema.raw), builtin())),
                    _fitted(api_version, schema),
                    settling(StructuralChecker(schema).check, api_version, _in_version(spoken)),
                )
                for api_version, schema in schemas.items()
            }
        )

    return make


def _fitted(api_version: str, schema: Structural) -> Convert:
    def convert(obj: Object) -> Object:
        if obj["apiVersion"] == api_version:
            return obj
        converted = deep_copy(obj) | {"apiVersion": api_version}
        prune(converted, schema)
        return converted

    return convert


def _in_version(api_version: str) -> Convert:
    def convert(obj: Object) -> Object:
        return obj | {"apiVersion": api_version}

    return convert
