"""From one API version of a custom resource to another.

Source: pkg/apiserver/conversion of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from apimachinery.objects import Object
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural


class Converter(Protocol):
    """One definition's way of conversion."""

    @property
    def is_identity(self) -> bool:
        """Whether nothing but the apiVersion ever changes."""

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """The objects, which are used up, in another version. Raises StatusError."""


class NopConverter:
    """The strategy None: another apiVersion, and what that version does not know is dropped."""

    def __init__(self, schemas: Mapping[str, Structural]) -> None:
        """`schemas` are by apiVersion."""
        self._schemas = schemas
        shapes = [shape_of(schema) for schema in schemas.values()]
        self.is_identity = all(shape == shapes[0] for shape in shapes)

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        converted = [each | {"apiVersion": api_version} for each in objects]
        for each in converted:
            prune(each, self._schemas[api_version])
        return converted


def shape_of(schema: Structural | None) -> object:
    """What pruning asks about a schema: two with the same shape keep the same fields."""
    if schema is None:
        return None
    fields = {name: shape_of(each) for name, each in schema.properties.items()}
    flags = (schema.preserves, schema.is_resource, schema.allows_additional)
    return fields, flags, shape_of(schema.items), shape_of(schema.additional)
