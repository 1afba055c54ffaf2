"""What leads to a node: its pods, through them what they need, through claims volumes and their secrets.

No task keeps it in step: an edge is looked up when somebody asks, in what the watch cache has at that
moment. What a pod refers to is read out of it once a revision.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/auth/authorizer/node/graph.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from apimachinery.objects import Object, annotations_of, get_path
from apimachinery.pod_references import Reference, references_of
from apimachinery.scheme import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    RESOURCE_SLICES,
    VOLUME_ATTACHMENTS,
)
from apimachinery.well_known import MIRROR_POD
from apiserver.auth.rbac.bindings import CachedEntry
from apiserver.storage.cached import Lookup

PodsOn = Callable[[str], Iterable[CachedEntry]]
"""pods(node): the pods on a node, as cached."""

_CLAIMS = PERSISTENT_VOLUME_CLAIMS.plural
_SECRET_REFERENCES = ("secretRef", "nodeStageSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")
_Known = dict[str, tuple[int, str, frozenset[Reference]]]
"""By a pod's key: its revision, its namespace and what it refers to."""


class Graph:
    """Whether there is a path from an object to a node."""

    def __init__(self, pods: PodsOn, lookup: Lookup) -> None:
        self._pods = pods
        self._lookup = lookup
        self._nodes: dict[str, _Known] = {}

    def leads(self, node: str, plural: str, namespace: str, name: str) -> bool:
        """From an object of these kinds: pods, what pods refer to, volumes, attachments, resource slices."""
        match plural:
            case "pods":
                return self._is_at(node, self._lookup(PODS, namespace, name))
            case "volumeattachments":
                return self._is_at(node, self._lookup(VOLUME_ATTACHMENTS, "", name))
            case "resourceslices":
                return self._is_at(node, self._lookup(RESOURCE_SLICES, "", name))
            case "persistentvolumes":
                return self._has_volume(node, name)
        if self._is_referred_to(node, plural, namespace, name):
            return True
        return plural == "secrets" and (namespace, name) in self._secrets_of_volumes(node)

    def _is_at(self, node: str, obj: Object | None) -> bool:
        return bool(get_path(obj, "spec.nodeName") == node)

    def _is_referred_to(self, node: str, plural: str, namespace: str, name: str) -> bool:
        wanted = (plural, name)
        return any(home == namespace and wanted in found for _, home, found in self._known(node).values())

    def _has_volume(self, node: str, name: str) -> bool:
        claim = get_path(self._lookup(PERSISTENT_VOLUMES, "", name), "spec.claimRef") or {}
        home, name = claim.get("namespace", ""), claim.get("name", "")
        return self._is_referred_to(node, _CLAIMS, home, name)

    def _secrets_of_volumes(self, node: str) -> Iterator[tuple[str, str]]:
        """(namespace, name) of what the drivers of claimed volumes log in with."""
        known = self._known(node).values()
        claims = [(home, name) for _, home, found in known for plural, name in found if plural == _CLAIMS]
        for home, name in claims:
            claim = self._lookup(PERSISTENT_VOLUME_CLAIMS, home, name)
            volume = self._lookup(PERSISTENT_VOLUMES, "", get_path(claim, "spec.volumeName", ""))
            if get_path(volume, "spec.claimRef.name") == name:
                yield from _secrets_of(volume or {}, home)

    def _known(self, node: str) -> _Known:
        """What the node's pods refer to; only pods that are new or have changed are read."""
        before, now = self._nodes.get(node, {}), {}
        for entry in self._pods(node):
            known = before.get(entry.key)
            current = known is not None and known[0] == entry.revision
            now[entry.key] = known if known and current else _read(entry)
        self._nodes[node] = now
        if not now:
            del self._nodes[node]
        return now


def _read(entry: CachedEntry) -> tuple[int, str, frozenset[Reference]]:
    """Mirror pods open no doors: a kubelet makes them."""
    pod = entry.obj
    is_mirror = MIRROR_POD in annotations_of(pod)
    return entry.revision, entry.namespace, frozenset() if is_mirror else frozenset(references_of(pod))


def _secrets_of(volume: Object, claim_namespace: str) -> Iterator[tuple[str, str]]:
    """Those a kubelet needs; a reference without a namespace means that of the claim."""
    for source in (each for each in volume["spec"].values() if isinstance(each, dict)):
        for key in _SECRET_REFERENCES:
            if reference := source.get(key):
                yield reference.get("namespace") or claim_namespace, reference.get("name", "")
        if "secretName" in source:
            yield source.get("secretNamespace") or claim_namespace, source["secretName"]
