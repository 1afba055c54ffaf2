"""The PersistentVolume behind a pod's claim, read anew each time: a kubelet may look at single claims only.

Source: pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go of Kubernetes 1.34.
"""

from __future__ import annotations

from typing import Protocol

from apimachinery import volumes
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import NamespacedName, Object, get_path, is_terminating, uid_of
from apimachinery.pods import all_containers
from apimachinery.scheme import CSI_DRIVERS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.volumes.errors import ClaimError


class Claims(Protocol):
    """The seam: the API, or in tests some objects."""

    async def volume_of(self, pod: Object, volume: Object) -> Object:
        """The PersistentVolume behind a volume of the pod that has a claim. Raises ClaimError."""

    async def must_be_attached(self, driver: str) -> bool:
        """Whether the volumes of a CSI driver are attached to nodes. Raises ClaimError."""


class ApiClaims:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def volume_of(self, pod: Object, volume: Object) -> Object:
        key = volumes.claim_of_volume(pod, volume)
        assert key is not None, "only volumes with a claim are asked about"
        claim = await self._claim(key)
        check_claim(pod, volume, claim)
        found = await self._volume(key, claim["spec"]["volumeName"])
        check_volume(pod, volume, claim, found)
        return found

    async def must_be_attached(self, driver: str) -> bool:
        try:
            found = await self._client.get(CSI_DRIVERS, driver)
        except NotFoundError:
            return True
        except (StatusError, ConnectionFailed) as error:
            raise ClaimError(f"failed to get CSIDriver {driver}: {error}") from error
        return get_path(found, "spec.attachRequired") is not False

    async def _claim(self, key: NamespacedName) -> Object:
        try:
            return await self._client.get(PERSISTENT_VOLUME_CLAIMS, key.name, key.namespace)
        except (StatusError, ConnectionFailed) as error:
            raise _error(key, f"failed to fetch PVC from API server: {error}") from error

    async def _volume(self, key: NamespacedName, name: str) -> Object:
        try:
            return await self._client.get(PERSISTENT_VOLUMES, name)
        except (StatusError, ConnectionFailed) as error:
            raise _error(key, f"failed to fetch PV {name} from API server: {error}") from error


def _error(key: NamespacedName, why: str) -> ClaimError:
    return ClaimError(f"error processing PVC {key}: {why}")


def check_claim(pod: Object, volume: Object, claim: Object) -> None:
    """Raises ClaimError."""
    key = volumes.claim_of_volume(pod, volume)
    assert key is not None
    if is_terminating(claim):
        raise _error(key, "PVC is being deleted")
    if get_path(claim, "status.phase") != volumes.BOUND:
        raise _error(key, "PVC is not bound")
    if not get_path(claim, "spec.volumeName"):
        raise _error(key, "PVC has empty pvc.Spec.VolumeName")
    why_not = volumes.why_not_for_pod(pod, claim) if "ephemeral" in volume else ""
    if why_not:
        raise ClaimError(why_not)


def check_volume(pod: Object, volume: Object, claim: Object, found: Object) -> None:
    """Raises ClaimError."""
    key, name = volumes.claim_of_volume(pod, volume), claim["spec"]["volumeName"]
    assert key is not None
    reference = get_path(found, "spec.claimRef")
    if reference is None:
        text = "but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim"
        raise _error(key, f"found PV object {name} {text}")
    if reference.get("uid") != uid_of(claim):
        text = (
            f"but its pv.Spec.ClaimRef.UID {reference.get('uid')} does not point to claim.UID {uid_of(claim)}"
        )
        raise _error(key, f"found PV object {name} {text}")
    mode, field = volumes.mode_of(found), used_as(pod, volume["name"])
    if field == "volumeMounts" and mode != volumes.FILESYSTEM:
        raise ClaimError(f"volume {volume['name']} has volumeMode {mode}, but is specified in {field}")
    if field == "volumeDevices" and mode != volumes.BLOCK:
        raise ClaimError(f"volume {volume['name']} has volumeMode {mode}, but is specified in {field}")


def used_as(pod: Object, name: str) -> str:
    """volumeMounts or volumeDevices, whichever names the volume first; "" if no container uses it."""
    for container in all_containers(pod.get("spec") or {}):
        for field in ("volumeMounts", "volumeDevices"):
            if any(each["name"] == name for each in container.get(field) or ()):
                return field
    return ""
