"""Objects as they will be: what the API shows, with our own decisions on top until it shows those, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from apimachinery.objects import NamespacedName, Object, key_of, resource_version_of


class Lister(Protocol):
    """An informer, or in tests a store of objects."""

    def get(self, key: NamespacedName) -> Object | None: ...
    def by_index(self, name: str, value: str) -> list[Object]: ...


class AssumeCache:
    """An assumption holds as long as the object that it was made of is the newest known."""

    def __init__(self, objects: Lister) -> None:
        self._objects = objects
        self._assumed: dict[NamespacedName, Object] = {}

    def get(self, key: NamespacedName) -> Object | None:
        known = self._objects.get(key)
        return None if known is None else self._with_assumption(known)

    def by_index(self, name: str, value: str) -> Iterator[Object]:
        """By what the API shows: an assumption changes no index that is asked for here."""
        return map(self._with_assumption, self._objects.by_index(name, value))

    def _with_assumption(self, known: Object) -> Object:
        key = key_of(known)
        assumed = self._assumed.get(key)
        if assumed is None:
            return known
        if resource_version_of(assumed) == resource_version_of(known):
            return assumed
        del self._assumed[key]
        return known

    def shown(self, key: NamespacedName) -> Object | None:
        """What the API shows, whatever was assumed."""
        return self._objects.get(key)

    def assume(self, obj: Object) -> None:
        """`obj` is the object as `get` gave it, changed, with its resourceVersion."""
        self._assumed[key_of(obj)] = obj

    def restore(self, objects: Iterable[Object]) -> None:
        """Gives assumptions up."""
        for obj in objects:
            self._assumed.pop(key_of(obj), None)
