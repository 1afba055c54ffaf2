"""Has a pod's volumes bound: asks for it and waits until the persistent volume controller has done it.

Source: BindPodVolumes in pkg/scheduler/framework/plugins/volumebinding/binder.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from apimachinery import volumes
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    get_path,
    key_of,
    name_of,
    namespace_of,
    resource_version_of,
)
from apimachinery.scheme import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, Resource
from scheduler.framework.interface import PreBindError
from scheduler.pod_info import PodInfo
from scheduler.volumes.finder import PodVolumes
from scheduler.volumes.news import News
from scheduler.volumes.storage import Storage


class Api(Protocol):
    """The part of a client that is needed here."""

    async def update(self, resource: Resource, obj: Object) -> Object: ...


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was taken for a pod: objects as they are to become."""

    node: str
    volumes: tuple[Object, ...]
    claims: tuple[Object, ...]
    """Those of the volumes, one for one, and then those that wait for provisioning."""

    @property
    def provisions(self) -> tuple[Object, ...]:
        return self.claims[len(self.volumes) :]


class VolumeBinder:
    """`labels_of_node` gives a node's labels now, or None; `exists` tells whether a pod is still there."""

    def __init__(
        self,
        storage: Storage,
        api: Api,
        news: News,
        labels_of_node: Callable[[str], Mapping[str, str] | None],
        exists: Callable[[str], bool],
    ) -> None:
        self.storage = storage
        self._api = api
        self._news = news
        self._labels_of_node = labels_of_node
        self._exists = exists

    def reserve(self, node: str, found: PodVolumes) -> Reservation | None:
        """From now on nobody else is given these volumes. None if there is nothing to do."""
        if not found.bindings and not found.provisions:
            return None
        bound = tuple(volumes.bound_to(volume, claim) for volume, claim in found.bindings)
        provisions = tuple(_for_node(claim, node) for claim in found.provisions)
        for volume in bound:
            self.storage.volumes.assume(volume)
        for claim in provisions:
            self.storage.claims.assume(claim)
        return Reservation(node, bound, (*(claim for _, claim in found.bindings), *provisions))

    def unreserve(self, reserved: Reservation) -> None:
        """What has reached the API stays there: the next attempt finds it."""
        self.storage.volumes.restore(reserved.volumes)
        self.storage.claims.restore(reserved.provisions)

    async def bind(self, pod: PodInfo, reserved: Reservation, seconds: float) -> None:
        """Raises PreBindError, or what the API refuses with."""
        versions = await self._write(reserved)
        try:
            async with asyncio.timeout(seconds):
                while not self._are_bound(pod, reserved, versions):
                    with self._news.about(self._concerned(pod, reserved)) as changed:
                        await changed.wait()
        except TimeoutError:
            raise PreBindError("binding volumes: context deadline exceeded") from None

    def _concerned(self, pod: PodInfo, reserved: Reservation) -> list[Hashable]:
        """What may change whether all is bound; of claims also the volumes that they name by now."""
        claims = [self.storage.claims.shown(key_of(claim)) for claim in reserved.claims]
        named = [name for claim in claims if (name := get_path(claim, "spec.volumeName"))]
        others = [NamespacedName("", name) for name in (reserved.node, *named)]
        return [pod.uid, *others, *map(key_of, (*reserved.volumes, *reserved.claims))]

    async def _write(self, reserved: Reservation) -> dict[NamespacedName, str]:
        """The controller and the provisioners do the rest. Returns the versions that were written."""
        written = [await self._api.update(PERSISTENT_VOLUMES, volume) for volume in reserved.volumes]
        written += [await self._api.update(PERSISTENT_VOLUME_CLAIMS, each) for each in reserved.provisions]
        return {key_of(obj): resource_version_of(obj) for obj in written}

    def _are_bound(self, pod: PodInfo, reserved: Reservation, versions: Mapping[NamespacedName, str]) -> bool:
        """As the API shows it, not as it was assumed. Raises PreBindError when it will never be so."""
        node = reserved.node
        labels = self._labels_of_node(node)
        if labels is None:
            raise _failed(f'failed to get node "{node}": node "{node}" not found')
        if not self._exists(pod.uid):
            raise _failed(f'pod does not exist any more: pod "{pod.key.name}" not found')
        held = [self._shown("check binding", each) for each in reserved.volumes]
        for claim in reserved.claims[: len(held)]:
            self._shown("check binding", claim)
        provisions = [self._shown("check provisioning pvc", each) for each in reserved.provisions]
        if not all(_is_new_enough(each, versions) for each in (*held, *provisions)):
            return False
        for volume in held:
            _check_volume(volume, node, labels)
        for claim in provisions:
            self._check_provision(claim, node, labels)
        return all(map(self._is_bound, reserved.claims))

    def _shown(self, why: str, obj: Object) -> Object:
        """The object as the API shows it now."""
        is_claim, key = bool(namespace_of(obj)), key_of(obj)
        known = (self.storage.claims if is_claim else self.storage.volumes).shown(key)
        if known is None:
            kind, name = ("PersistentVolumeClaim", key) if is_claim else ("PersistentVolume", key.name)
            raise _failed(f'failed to {why}: could not find v1.{kind} "{name}"')
        return known

    def _check_provision(self, claim: Object, node: str, labels: Mapping[str, str]) -> None:
        annotations = annotations_of(claim)
        if not annotations:
            raise _failed(f'selectedNode annotation reset for PVC "{name_of(claim)}"')
        if annotations.get(volumes.SELECTED_NODE) != node:
            raise _failed(f'provisioning failed for PVC "{name_of(claim)}"')
        name = get_path(claim, "spec.volumeName")
        volume = self.storage.volumes.shown(NamespacedName("", name)) if name else None
        if volume is not None:
            _check_affinity(volume, node, labels)

    def _is_bound(self, claim: Object) -> bool:
        shown = self.storage.claims.shown(key_of(claim)) or {}
        name = get_path(shown, "spec.volumeName")
        known = bool(name) and self.storage.volumes.shown(NamespacedName("", name)) is not None
        return known and volumes.is_fully_bound(shown)


def _failed(why: str) -> PreBindError:
    return PreBindError(f"binding volumes: {why}")


def _is_new_enough(shown: Object, versions: Mapping[NamespacedName, str]) -> bool:
    """Whether the cache has what we wrote."""
    return int(resource_version_of(shown)) >= int(versions[key_of(shown)])


def _check_volume(volume: Object, node: str, labels: Mapping[str, str]) -> None:
    _check_affinity(volume, node, labels)
    if not get_path(volume, "spec.claimRef.uid"):
        raise _failed(f'ClaimRef got reset for pv "{name_of(volume)}"')


def _check_affinity(volume: Object, node: str, labels: Mapping[str, str]) -> None:
    if not volumes.is_usable_on(volume, node, labels):
        reason = "no matching NodeSelectorTerms"
        raise _failed(f'pv "{name_of(volume)}" node affinity doesn\'t match node "{node}": {reason}')


def _for_node(claim: Object, node: str) -> Object:
    annotations = {**annotations_of(claim), volumes.SELECTED_NODE: node}
    return {**claim, "metadata": {**claim["metadata"], "annotations": annotations}}
