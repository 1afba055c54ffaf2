"""The objects of an informer: by key, by namespace, and by the indexes that its users ask for. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from apimachinery.objects import NamespacedName, Object

Objects = list[Object]
Index = Callable[[Object], Iterable[str]]


class ObjectStore:
    """An ordered map with secondary indexes."""

    def __init__(self, indexes: Mapping[str, Index]) -> None:
        self._objects: dict[NamespacedName, Object] = {}
        self._namespaces: dict[str, dict[NamespacedName, Object]] = {}
        self._indexes = dict(indexes)
        self._values: dict[str, dict[str, dict[NamespacedName, Object]]] = {name: {} for name in indexes}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[NamespacedName]:
        return iter(self._objects)

    def get(self, key: NamespacedName) -> Object | None:
        return self._objects.get(key)

    def list(self, namespace: str | None = None) -> Objects:
        found = self._namespaces.get(namespace, {}) if namespace else self._objects
        return list(found.values())

    def by_index(self, name: str, value: str) -> Objects:
        return list(self._values[name].get(value, {}).values())

    def add_index(self, name: str, index: Index) -> None:
        if name in self._indexes:
            return
        self._indexes[name] = index
        self._values[name] = {}
        for key, obj in self._objects.items():
            for value in index(obj):
                self._values[name].setdefault(value, {})[key] = obj

    def set(self, key: NamespacedName, new: Object | None) -> None:
        """Replaces or, with None, removes an object."""
        old = self._objects.get(key)
        if old is not None:
            self._unindex(key, old)
        if new is None:
            self._objects.pop(key, None)
            return
        self._objects[key] = new
        self._namespaces.setdefault(key.namespace, {})[key] = new
        for name, index in self._indexes.items():
            for value in index(new):
                self._values[name].setdefault(value, {})[key] = new

    def _unindex(self, key: NamespacedName, old: Object) -> None:
        _remove(self._namespaces, key.namespace, key)
        for name, index in self._indexes.items():
            for value in index(old):
                _remove(self._values[name], value, key)


def _remove(groups: dict[str, dict[NamespacedName, Object]], name: str, key: NamespacedName) -> None:
    group = groups.get(name)
    if group is None:
        return
    group.pop(key, None)
    if not group:
        del groups[name]
