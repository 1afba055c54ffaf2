"""Claims that ask for more than they have: local-path volumes grow at once, others wait for their resizers.

Source: pkg/controller/volume/expand/expand_controller.go of Kubernetes 1.34.
"""

from __future__ import annotations

from dataclasses import dataclass

from apimachinery import scheme, volumes
from apimachinery.local_path import PROVISIONER
from apimachinery.objects import NamespacedName, Object, annotations_of, get_path, key_of, uid_of
from apimachinery.quantity import Quantity
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from controller_manager.context import ControllerContext


@dataclass(frozen=True, slots=True)
class Grow:
    """A directory has no size: it is enough to say so."""

    size: str


@dataclass(frozen=True, slots=True)
class Wait:
    """`type` of the Event: Normal for CSI volumes, whose resizer will come; nobody grows others."""

    type: str


def plan_expansion(claim: Object, volume: Object | None) -> Grow | Wait | None:
    has = Quantity.parse(get_path(claim, "status.capacity.storage", "0"))
    if get_path(claim, "status.phase") != volumes.BOUND or volumes.request_of(claim) <= has:
        return None
    if volume is None or get_path(volume, "spec.claimRef.uid") != uid_of(claim):
        return None
    if annotations_of(volume).get(volumes.PROVISIONED_BY) == PROVISIONER:
        return Grow(claim["spec"]["resources"]["requests"]["storage"])
    return Wait(NORMAL if "csi" in volume["spec"] else WARNING)


class VolumeExpandController:
    name = "persistentvolume-expander-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("volume_expand")
        self._claims = context.informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        self._volumes = context.informers.informer(scheme.PERSISTENT_VOLUMES)

    def watches(self) -> list[Watch]:
        return [Watch(self._claims, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        claim = self._claims.get(key)
        if claim is None:
            return None
        volume = self._volumes.get(NamespacedName("", get_path(claim, "spec.volumeName", "")))
        match plan_expansion(claim, volume):
            case Grow(size):
                assert volume is not None
                await self._grow(claim, volume, size)
            case Wait(type):
                text = "waiting for an external controller to expand this PVC"
                self._events.event(claim, type, "ExternalExpanding", text)
        return None

    async def _grow(self, claim: Object, volume: Object, size: str) -> None:
        """The volume first: what the claim says of it must be true."""
        if volumes.capacity_of(volume) < Quantity.parse(size):
            spec = {**volume["spec"], "capacity": {"storage": size}}
            await self._client.update(scheme.PERSISTENT_VOLUMES, {**volume, "spec": spec})
        grown = {"capacity": {"storage": size}, "allocatedResources": {"storage": size}}
        status = {**claim["status"], **grown}
        await self._client.update_status(scheme.PERSISTENT_VOLUME_CLAIMS, {**claim, "status": status})
        text = f"ExpandVolume succeeded for volume {key_of(claim)}"
        self._events.event(claim, NORMAL, "VolumeResizeSuccessful", text)
