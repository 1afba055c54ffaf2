"""The API versions in which fields of one resource may be owned: their shapes, and the ways between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apimachinery.merge.shape import Shape
from apimachinery.objects import Object

Convert = Callable[[Object], Object]


def as_it_is(obj: Object) -> Object:
    return obj


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a kind; conversions leave alone what they are given, and may share parts with it."""

    shape: Shape
    from_stored: Convert = as_it_is
    to_stored: Convert = as_it_is


class Versions:
    """What is known of each version. An owner in a version that is served no more owns nothing."""

    def __init__(self, versions: Mapping[str, Version]) -> None:
        self._versions = versions

    def __contains__(self, api_version: object) -> bool:
        return api_version in self._versions

    def shape(self, api_version: str) -> Shape:
        return self._versions[api_version].shape

    def convert(self, obj: Object, source: str, target: str) -> Object:
        """The object in another version."""
        if source == target:
            return obj
        return self.from_stored(self.to_stored(obj, source), target)

    def from_stored(self, obj: Object, target: str) -> Object:
        return self._versions[target].from_stored(obj)

    def to_stored(self, obj: Object, source: str) -> Object:
        return self._versions[source].to_stored(obj)
