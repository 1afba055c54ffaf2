"""What to do about a volume. Pure.

Source: syncVolume and reclaimVolume in pkg/controller/volume/persistentvolume/pv_controller.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apimachinery import volumes
from apimachinery.objects import Object, annotations_of, get_path, name_of, uid_of
from client.events import WARNING
from controller_manager.persistent_volume.claims import IN_TREE, Event

DELETABLE_PATHS = re.compile("/tmp/.+")
"""The only host paths that are ever deleted, as upstream has it: the policy is meant for tests there."""


@dataclass(frozen=True, slots=True)
class SetPhase:
    phase: str


@dataclass(frozen=True, slots=True)
class Reclaim:
    """The claim is gone for good: the volume is released, and its policy says what then."""


@dataclass(frozen=True, slots=True)
class Unbind:
    """The claim has found another volume."""


@dataclass(frozen=True, slots=True)
class FinishClaim:
    """The volume has done its half; the claim is to do the other."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """They were meant for each other and can't be; an Event for each."""

    of_volume: Event
    of_claim: Event


VolumePlan = SetPhase | Reclaim | Unbind | FinishClaim | Mismatch


def plan_volume(volume: Object, claim: Object | None) -> VolumePlan:
    """`claim` is the one of the name in claimRef, as the API has it now."""
    if not get_path(volume, "spec.claimRef.uid"):
        return SetPhase(volumes.AVAILABLE)
    if claim is None or uid_of(claim) != volume["spec"]["claimRef"]["uid"]:
        return Reclaim()
    named = get_path(claim, "spec.volumeName")
    if named == name_of(volume):
        return SetPhase(volumes.BOUND)
    if named:
        return Reclaim() if _was_made_to_order(volume) else Unbind()
    if volumes.mode_of(claim) != volumes.mode_of(volume):
        return _mismatch(volume, claim)
    return FinishClaim()


def _was_made_to_order(volume: Object) -> bool:
    """Made for this claim alone; nobody else will want it."""
    return volumes.PROVISIONED_BY in annotations_of(volume) and _policy(volume) == "Delete"


def _policy(volume: Object) -> str | None:
    policy: str | None = get_path(volume, "spec.persistentVolumeReclaimPolicy")
    return policy


def _mismatch(volume: Object, claim: Object) -> Mismatch:
    why = "due to incompatible volumeMode."
    return Mismatch(
        Event(
            WARNING,
            "VolumeMismatch",
            f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{name_of(claim)}" {why}',
        ),
        Event(
            WARNING,
            "VolumeMismatch",
            f'Cannot bind PersistentVolume "{name_of(volume)}" to requested PersistentVolumeClaim {why}',
        ),
    )


@dataclass(frozen=True, slots=True)
class Keep:
    """Retained, or somebody else's to delete."""


@dataclass(frozen=True, slots=True)
class DeletePath:
    """The directory goes, and then the volume."""

    path: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The policy can't be carried out; a person has to."""

    event: Event


ReclaimPlan = Keep | DeletePath | Fail


def plan_reclaim(volume: Object) -> ReclaimPlan:
    match _policy(volume):
        case "Retain":
            return Keep()
        case "Delete":
            return _plan_deletion(volume)
        case "Recycle":
            text = "No recycler plugin found for the volume!"
            return Fail(Event(WARNING, "VolumeFailedRecycle", text))
    text = "Volume has unrecognized PersistentVolumeReclaimPolicy"
    return Fail(Event(WARNING, "VolumeUnknownReclaimPolicy", text))


def _plan_deletion(volume: Object) -> ReclaimPlan:
    provisioner = annotations_of(volume).get(volumes.PROVISIONED_BY, "")
    if provisioner and not provisioner.startswith(IN_TREE):
        return Keep()
    path = get_path(volume, "spec.hostPath.path")
    if path is None:
        why = f'error getting deleter volume plugin for volume "{name_of(volume)}": '
        return _not_deleted(f"{why}no deletable volume plugin matched")
    if not DELETABLE_PATHS.fullmatch(path) or ".." in path.split("/"):
        return _not_deleted(f"host_path deleter only supports /tmp/.+ but received provided {path}")
    return DeletePath(path)


def _not_deleted(text: str) -> Fail:
    return Fail(Event(WARNING, "VolumeFailedDelete", text))
