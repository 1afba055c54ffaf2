"""An object on its way through layers of kustomizations, with the names that it has had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from apimachinery import scheme
from apimachinery.objects import Object, deep_copy, name_of, namespace_of

NO_NAMESPACE = "_non_namespaceable_"


class Id(NamedTuple):
    """What an object is called at one time; `namespace` is empty where the object does not say."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    @property
    def is_cluster_scoped(self) -> bool:
        api_version = f"{self.group}/{self.version}" if self.group else self.version
        known = scheme.by_kind(api_version, self.kind)
        return known is not None and not known.namespaced

    @property
    def effective_namespace(self) -> str:
        return NO_NAMESPACE if self.is_cluster_scoped else self.namespace or "default"

    def is_same(self, other: Id) -> bool:
        return (self.group, self.version, self.kind, self.effective_namespace, self.name) == (
            other.group, other.version, other.kind, other.effective_namespace, other.name,
        )  # fmt: skip

    def is_of(self, kind: str = "", group: str = "", version: str = "") -> bool:
        """What is empty is anything."""
        return (
            (not kind or kind == self.kind)
            and (not group or group == self.group)
            and (not version or version == self.version)
        )

    def __str__(self) -> str:
        """`Deployment.v1.apps/web.default`, as messages name it."""
        gvk = ".".join((self.kind or "[noKind]", self.version or "[noVer]", self.group or "[noGrp]"))
        return f"{gvk}/{self.name or '[noName]'}.{self.namespace or '[noNs]'}"


def id_of(obj: Object) -> Id:
    group, _, version = obj["apiVersion"].rpartition("/")
    return Id(group, version, obj["kind"], namespace_of(obj), name_of(obj))


class Resource:
    """`obj` changes in place. `behavior` is a generator's: create, merge or replace."""

    def __init__(self, obj: Object, *, behavior: str = "create", needs_hash: bool = False) -> None:
        self.obj = deep_copy(obj)
        self.behavior = behavior
        self.needs_hash = needs_hash
        self.former: list[Id] = []
        """Who it was, oldest first, but not who it is."""
        self.prefixes: list[str] = []
        self.suffixes: list[str] = []

    @property
    def id(self) -> Id:
        return id_of(self.obj)

    @property
    def original(self) -> Id:
        return self.former[0] if self.former else self.id

    @property
    def ids(self) -> list[Id]:
        return [self.id, *self.former]

    def remember(self) -> None:
        """Called before the name or namespace changes."""
        self.former.append(self.id)

    def rename(self, name: str) -> None:
        self.obj["metadata"] = {**(self.obj.get("metadata") or {}), "name": name}

    def inherit(self, old: Resource) -> None:
        """Takes the place of another: its name, its past, its labels where it says nothing else itself."""
        metadata = self.obj["metadata"]
        for key in ("labels", "annotations"):
            merged = {**(old.obj["metadata"].get(key) or {}), **(metadata.get(key) or {})}
            if merged:
                metadata[key] = merged
        metadata["name"] = name_of(old.obj)
        if namespace := namespace_of(old.obj):
            metadata["namespace"] = namespace
        self.former, self.prefixes, self.suffixes = old.former, old.prefixes, old.suffixes


def matching(resources: list[Resource], test: Callable[[Id], bool]) -> Iterator[Resource]:
    """Those who are or were what is asked for."""
    return (each for each in resources if any(test(id) for id in each.ids))
