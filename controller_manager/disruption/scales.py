"""How many pods the controllers of some pods want, whatever kinds these are.

Source: pkg/controller/disruption/disruption.go (getExpectedScale and the finders).
"""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    get_path,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.resource import Resource
from client.discovery import discover
from client.rest import Client
from controller_manager.context import SharedInformers

_CACHED = (scheme.REPLICA_SETS, scheme.DEPLOYMENTS, scheme.STATEFUL_SETS, scheme.REPLICATION_CONTROLLERS)


class UnknownScale(Exception):
    """Nobody says how many pods there should be."""


class Scales:
    """Looks controllers up: built-in ones in caches, others by their scale subresource."""

    def __init__(self, client: Client, informers: SharedInformers) -> None:
        self._client = client
        self._informers = {each.kind: informers.informer(each) for each in _CACHED}
        self._discovered: dict[tuple[str, str], Resource] = {}

    async def total(self, pods: Iterable[Object]) -> tuple[int, list[str]]:
        """The sum over the pods' controllers, and the names of pods that have none. Raises UnknownScale."""
        scales: dict[str, int] = {}
        unmanaged: list[str] = []
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                unmanaged.append(name_of(pod))
            elif reference["uid"] not in scales:
                uid, scale = await self._scale_of(pod, reference)
                scales[reference["uid"]] = 0  # a Deployment's ReplicaSets count once, together
                scales[uid] = scale
        return sum(scales.values()), unmanaged

    async def _scale_of(self, pod: Object, reference: Object) -> tuple[str, int]:
        """The topmost controller's uid, and what it wants."""
        key = NamespacedName(namespace_of(pod), reference["name"])
        informer = self._informers.get(reference["kind"])
        if informer is None or informer.resource.group != reference["apiVersion"].rpartition("/")[0]:
            return reference["uid"], await self._asked(key, reference)
        found = informer.get(key)
        if found is None or uid_of(found) != reference["uid"]:
            raise UnknownScale(f'found no controllers for pod "{name_of(pod)}"')
        above = controller_of(found)
        if above is not None and above["kind"] == "Deployment":
            return await self._scale_of(found, above)
        return uid_of(found), int(get_path(found, "spec.replicas", 1))

    async def _asked(self, key: NamespacedName, reference: Object) -> int:
        resource = await self._resource_of(reference["apiVersion"], reference["kind"])
        if "scale" not in resource.subresources:
            raise UnknownScale(f"{resource.group_resource} does not implement the scale subresource")
        try:
            scale = await self._client.get(resource, key.name, key.namespace, subresource="scale")
        except NotFoundError as error:
            raise UnknownScale(str(error)) from error
        return int(get_path(scale, "spec.replicas", 0))

    async def _resource_of(self, api_version: str, kind: str) -> Resource:
        """Built-in, or of a custom resource that may have come since we looked last."""
        wanted = (api_version, kind)
        resource = scheme.by_kind(*wanted) or self._discovered.get(wanted)
        if resource is None:
            found = await discover(self._client)
            self._discovered = {(each.api_version, each.kind): each for each in found}
            resource = self._discovered.get(wanted)
        if resource is None:
            raise UnknownScale(f'no matches for kind "{kind}" in version "{api_version}"')
        return resource
