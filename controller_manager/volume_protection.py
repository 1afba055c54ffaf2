"""Claims and volumes that are in use do not go: their finalizers stay until nobody needs them any more.

Source: pkg/controller/volume/pvcprotection and .../pvprotection of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery import scheme, volumes
from apimachinery.objects import NamespacedName, Object, get_path, is_terminating, key_of, namespace_of
from apimachinery.scheme import Resource
from apimachinery.volumes import CLAIM_PROTECTION, VOLUME_PROTECTION
from client.controller import Watch, by_name
from client.rest import Client
from controller_manager.context import ControllerContext
from controller_manager.pods_by_claim import PODS_BY_CLAIM, pods_by_claim


class ClaimProtectionController:
    name = "persistentvolumeclaim-protection-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._claims = context.informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        self._pods = context.informers.informer(scheme.PODS)
        self._pods.add_indexer(PODS_BY_CLAIM, pods_by_claim)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._claims, by_name),
            Watch(self._pods, volumes.claims_of_pod, _may_have_let_go),
        ]

    async def reconcile(self, key: NamespacedName) -> float | None:
        claim = self._claims.get(key)
        if claim is None:
            return None
        if not is_terminating(claim):
            await add_finalizer(self._client, scheme.PERSISTENT_VOLUME_CLAIMS, claim, CLAIM_PROTECTION)
        elif CLAIM_PROTECTION in finalizers_of(claim) and not await self._is_used(claim):
            await remove_finalizer(self._client, scheme.PERSISTENT_VOLUME_CLAIMS, claim, CLAIM_PROTECTION)
        return None

    async def _is_used(self, claim: Object) -> bool:
        """The cache may miss the newest pod: before a claim goes, the API is asked."""
        if any(uses(pod, claim) for pod in self._pods.by_index(PODS_BY_CLAIM, str(key_of(claim)))):
            return True
        pods = await self._client.list(scheme.PODS, namespace_of(claim))
        return any(uses(pod, claim) for pod in pods["items"])


def _may_have_let_go(old: Object | None, new: Object | None) -> bool:
    """A pod that runs on changes nothing."""
    return new is None or is_terminating(new)


def uses(pod: Object, claim: Object) -> bool:
    """A pod without a node doesn't: no kubelet starts a pod whose claim is going."""
    if not pod["spec"].get("nodeName"):
        return False
    return any(_is_of(volume, pod, claim) for volume in get_path(pod, "spec.volumes", []))


def _is_of(volume: Object, pod: Object, claim: Object) -> bool:
    if volumes.claim_of_volume(pod, volume) != key_of(claim):
        return False
    if "persistentVolumeClaim" in volume:
        return True
    # An ephemeral claim goes with its pod. If it waited until the pod is gone, and the pod, by a finalizer
    # of its own, until the claim is, both would stay for ever.
    return not _is_shut_down(pod) and not volumes.why_not_for_pod(pod, claim)


def _is_shut_down(pod: Object) -> bool:
    return is_terminating(pod) and pod["metadata"].get("deletionGracePeriodSeconds") == 0


class VolumeProtectionController:
    name = "persistentvolume-protection-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._volumes = context.informers.informer(scheme.PERSISTENT_VOLUMES)

    def watches(self) -> list[Watch]:
        return [Watch(self._volumes, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        volume = self._volumes.get(key)
        if volume is None:
            return None
        if not is_terminating(volume):
            await add_finalizer(self._client, scheme.PERSISTENT_VOLUMES, volume, VOLUME_PROTECTION)
        elif get_path(volume, "status.phase") != volumes.BOUND:
            await remove_finalizer(self._client, scheme.PERSISTENT_VOLUMES, volume, VOLUME_PROTECTION)
        return None


def finalizers_of(obj: Object) -> list[str]:
    return obj["metadata"].get("finalizers") or []


async def add_finalizer(client: Client, resource: Resource, obj: Object, finalizer: str) -> None:
    """Admission has put it there; this is for what is older than that."""
    if finalizer not in finalizers_of(obj):
        await _set_finalizers(client, resource, obj, [*finalizers_of(obj), finalizer])


async def remove_finalizer(client: Client, resource: Resource, obj: Object, finalizer: str) -> None:
    if finalizer in finalizers_of(obj):
        await _set_finalizers(client, resource, obj, [f for f in finalizers_of(obj) if f != finalizer])


async def _set_finalizers(client: Client, resource: Resource, obj: Object, wanted: Iterable[str]) -> None:
    await client.update(resource, {**obj, "metadata": {**obj["metadata"], "finalizers": list(wanted)}})
