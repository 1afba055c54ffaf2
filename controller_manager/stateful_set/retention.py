"""Whom a pod's PersistentVolumeClaims belong to, which is how persistentVolumeClaimRetentionPolicy is kept.

The garbage collector does the deleting: `whenDeleted: Delete` makes the set the owner, `whenScaled: Delete`
the pod, once it is beyond the set's ordinals. Pure.
Source: pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

from apimachinery.objects import Object, get_path, name_of, owner_reference, owners_of, uid_of
from controller_manager.stateful_set.identity import ordinal_of, ordinals_of

RETAIN, DELETE = "Retain", "Delete"


def _policy(stateful_set: Object, when: str) -> str:
    return str(get_path(stateful_set, f"spec.persistentVolumeClaimRetentionPolicy.{when}", RETAIN))


def is_deleted_when_scaled(stateful_set: Object) -> bool:
    return _policy(stateful_set, "whenScaled") == DELETE


def owners_wanted(claim: Object, stateful_set: Object, pod: Object) -> list[Object] | None:
    """The owner references that the claim should have; None if it has them, or isn't ours to touch."""
    if _is_stale(claim, stateful_set) or _is_stale(claim, pod):
        return None
    others = [each for each in owners_of(claim) if not _names(each, stateful_set) and not _names(each, pod)]
    owner = None if has_conflict(claim, stateful_set, pod) else _owner(stateful_set, pod)
    wanted = [*others, owner_reference(owner)] if owner else others
    return None if _essence(wanted) == _essence(owners_of(claim)) else wanted


def _owner(stateful_set: Object, pod: Object) -> Object | None:
    """Whose end is the claim's end, too."""
    is_condemned = ordinal_of(pod) not in ordinals_of(stateful_set)
    if is_condemned and is_deleted_when_scaled(stateful_set):
        return pod
    return stateful_set if _policy(stateful_set, "whenDeleted") == DELETE else None


def has_conflict(claim: Object, stateful_set: Object, pod: Object) -> bool:
    """Whether somebody else controls a claim that the policy speaks of."""
    if RETAIN == _policy(stateful_set, "whenScaled") == _policy(stateful_set, "whenDeleted"):
        return False
    others = (each for each in owners_of(claim) if not _names(each, stateful_set) and not _names(each, pod))
    return any(each.get("controller") for each in others)


def is_left_by_another(claim: Object, pod: Object) -> bool:
    """Whether the claim belongs to an earlier pod of the same name, and is to go with it."""
    return _is_stale(claim, pod)


def _is_stale(claim: Object, owner: Object) -> bool:
    return any(_names(each, owner) and each.get("uid") != uid_of(owner) for each in owners_of(claim))


def _names(reference: Object, owner: Object) -> bool:
    """Whether the reference speaks of an object of this kind and name, whatever its uid."""
    told = reference.get("apiVersion"), reference.get("kind"), reference.get("name")
    return told == (owner["apiVersion"], owner["kind"], name_of(owner))


def _essence(references: list[Object]) -> set[tuple[str, bool]]:
    return {(each["uid"], bool(each.get("controller"))) for each in references}
