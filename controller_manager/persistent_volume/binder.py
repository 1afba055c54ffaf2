"""The writes that bind a claim and a volume, or part them.

Each is guarded by the resourceVersion that it was planned on. The volume is written first: it is the one
that two claims may be after.
"""

from __future__ import annotations

from apimachinery import scheme, volumes
from apimachinery.objects import Object, annotations_of, get_path, name_of
from client.rest import Client


class Binder:
    """Each method returns the object as it is after the write, or as it was if there was nothing to write."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def bind(self, volume: Object, claim: Object) -> None:
        """Safe to repeat: an attempt that stopped half way is finished by the next."""
        wanted = volumes.bound_to(volume, claim)
        if wanted is not volume:
            volume = await self._client.update(scheme.PERSISTENT_VOLUMES, wanted)
        volume = await self.set_volume_phase(volume, volumes.BOUND)
        named = _naming(claim, name_of(volume))
        if named is not claim:
            claim = await self._client.update(scheme.PERSISTENT_VOLUME_CLAIMS, named)
        await self.set_claim_status(claim, volumes.BOUND, volume)

    async def unbind(self, volume: Object) -> None:
        """A reservation made by the user stays one."""
        annotations = dict(annotations_of(volume))
        spec = dict(volume["spec"])
        if annotations.pop(volumes.BOUND_BY_CONTROLLER, None) is None:
            spec["claimRef"] = {**spec["claimRef"], "uid": ""}
        else:
            del spec["claimRef"]
        wanted = {**volume, "metadata": {**volume["metadata"], "annotations": annotations}, "spec": spec}
        volume = await self._client.update(scheme.PERSISTENT_VOLUMES, wanted)
        await self.set_volume_phase(volume, volumes.AVAILABLE)

    async def set_volume_phase(self, volume: Object, phase: str, message: str = "") -> Object:
        status = volume.get("status") or {}
        if status.get("phase") == phase:
            return volume
        wanted = {**volume, "status": {**status, "phase": phase, "message": message}}
        return await self._client.update_status(scheme.PERSISTENT_VOLUMES, wanted)

    async def set_claim_status(self, claim: Object, phase: str, volume: Object | None = None) -> Object:
        wanted = claim_status(claim, phase, volume)
        if wanted == (claim.get("status") or {}):
            return claim
        return await self._client.update_status(scheme.PERSISTENT_VOLUME_CLAIMS, {**claim, "status": wanted})


def _naming(claim: Object, volume: str) -> Object:
    """The claim with the name of its volume, and the mark that it was bound; itself if it has both."""
    annotations = {**annotations_of(claim), volumes.BIND_COMPLETED: "yes"}
    if get_path(claim, "spec.volumeName") != volume:
        annotations.setdefault(volumes.BOUND_BY_CONTROLLER, "yes")
    elif volumes.BIND_COMPLETED in annotations_of(claim):
        return claim
    metadata = {**claim["metadata"], "annotations": annotations}
    return {**claim, "metadata": metadata, "spec": {**claim["spec"], "volumeName": volume}}


def claim_status(claim: Object, phase: str, volume: Object | None) -> Object:
    """Capacity is copied once, when the claim becomes bound: later it tells how far an expansion has come."""
    old = claim.get("status") or {}
    kept = {k: v for k, v in old.items() if k not in ("phase", "accessModes", "capacity")}
    status = {**kept, "phase": phase}
    if volume is None:
        return status
    capacity = old.get("capacity")
    if old.get("phase") != phase:
        capacity = volume["spec"]["capacity"]
        if attributes := volumes.attributes_class_of(volume):
            status["currentVolumeAttributesClassName"] = attributes
    status["accessModes"] = volume["spec"]["accessModes"]
    return {**status, "capacity": capacity} if capacity else status
