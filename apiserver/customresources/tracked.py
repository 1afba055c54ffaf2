"""Custom resources as managed fields see them: the shapes of all versions, by the version that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apimachinery.merge.shape import shape_of
from apimachinery.objects import Object
from apimachinery.schema import SchemaNode, builtin
from apiserver.customresources.publishing import published
from apiserver.customresources.schema.coercion import StructuralChecker
from apiserver.customresources.schema.structural import Structural
from apiserver.managed_fields.versions import Convert, Version, Versions
from apiserver.registry.tracking import settling


def tracked_versions(spoken: str, schemas: Mapping[str, Structural]) -> Callable[[], Versions]:
    """`schemas` are by apiVersion. Between versions fields are taken to be called the same."""

    def make() -> Versions:
        return Versions(
            {
                api_version: Version(
                    shape_of(SchemaNode(published(schema.raw), builtin())),
                    _in_version(api_version),
                    settling(StructuralChecker(schema).check, api_version, _in_version(spoken)),
                )
                for api_version, schema in schemas.items()
            }
        )

    return make


def _in_version(api_version: str) -> Convert:
    def convert(obj: Object) -> Object:
        return obj | {"apiVersion": api_version}

    return convert
