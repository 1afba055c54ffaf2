"""What a DELETE means for an object: gone now, marked, waiting, or nothing new. Decides; touches nothing.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apimachinery.errors import ConflictError
from apimachinery.metadata import FOREGROUND_FINALIZER, ORPHAN_FINALIZER
from apimachinery.objects import Object, name_of
from apimachinery.scheme import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, Resource
from apimachinery.times import format_time, parse_time
from apiserver.registry.options import DeleteOptions

_DELETED_AND_RECREATED = "The object might have been deleted and then recreated"
_MODIFIED = "The object might have been modified"

RETURNED_WHOLE = frozenset({
    "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas",
    "serviceaccounts", "services", "storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io",
    "csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io", "volumeattributesclasses.storage.k8s.io",
    "deviceclasses.resource.k8s.io", "resourceclaims.resource.k8s.io",
    "resourceclaimtemplates.resource.k8s.io", "resourceslices.resource.k8s.io",
})  # fmt: skip
"""Kinds whose DELETE answers with the object that is gone; the others answer with a Status."""
_EMPTIED_FIRST = (NAMESPACES, CUSTOM_RESOURCE_DEFINITIONS)
"""Kinds that a first DELETE only gives a time: what is in them goes before they do.

Of namespaces it asks for the garbage collector's finalizers, too."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """`marked` is to be stored first (None: nothing changes), then the object goes if `remove`."""

    marked: Object | None = None
    remove: bool = False


def check_preconditions(obj: Object, options: DeleteOptions, resource: Resource) -> None:
    """Raises ConflictError if the object isn't the one that was meant."""
    metadata = obj["metadata"]
    for what, wanted, found, hint in (
        ("UID", options.uid, metadata.get("uid"), _DELETED_AND_RECREATED),
        ("ResourceVersion", options.resource_version, metadata.get("resourceVersion"), _MODIFIED),
    ):
        if wanted is None or wanted == found:
            continue
        if resource in _EMPTIED_FIRST:
            told = f"{what} in precondition: {wanted}, {what} in object meta: {found}"
            raise ConflictError(resource.group_resource, name_of(obj), f"Precondition failed: {told}")
        told = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). "
        raise ConflictError(resource.group_kind, name_of(obj), told + hint)


def plan_deletion(
    resource: Resource, obj: Object, options: DeleteOptions, grace: int | None, default: str, now: datetime
) -> Deletion:
    """`grace` is the kind's answer for this object (None: at once), `default` its usual propagation."""
    is_emptied_first = resource in _EMPTIED_FIRST and not obj["metadata"].get("deletionTimestamp")
    heeds_policy = not is_emptied_first or resource == NAMESPACES
    marked = with_finalizers(obj, plan_finalizers(obj, options, default if heeds_policy else ""))
    held = is_held(resource, marked)
    metadata = marked["metadata"]
    if grace is not None and not metadata.get("deletionTimestamp"):
        _mark(marked, now + timedelta(seconds=grace), grace)
        return Deletion(_terminating(resource, marked), remove=grace == 0 and not held)
    if metadata.get("deletionGracePeriodSeconds"):
        return _shorten(marked, options.grace_period, held)
    if not held:
        return Deletion(remove=True)
    if is_emptied_first:
        metadata["deletionTimestamp"] = format_time(now)
    elif not metadata.get("deletionTimestamp"):
        _mark(marked, now, 0)
    elif not _waits_for_contents(resource, marked):
        metadata["deletionGracePeriodSeconds"] = 0
    marked = _terminating(resource, marked)
    return Deletion(marked if marked != obj else None)


def _shorten(marked: Object, requested: int | None, held: bool) -> Deletion:
    """An object that is in its grace period: the period can only become shorter."""
    metadata = marked["metadata"]
    current = metadata["deletionGracePeriodSeconds"]
    if requested is None or requested >= current:
        return Deletion()
    earlier = parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=current - requested)
    metadata |= {"deletionTimestamp": format_time(earlier), "deletionGracePeriodSeconds": requested}
    return Deletion(marked, remove=requested == 0 and not held)


def _mark(obj: Object, moment: datetime, grace: int) -> None:
    metadata = obj["metadata"]
    metadata |= {"deletionTimestamp": format_time(moment), "deletionGracePeriodSeconds": grace}
    if metadata.get("generation"):
        metadata["generation"] += 1


def _waits_for_contents(resource: Resource, obj: Object) -> bool:
    """Whether a namespace's finalizers in its spec hold it: deleting it again changes nothing then."""
    return resource == NAMESPACES and bool((obj.get("spec") or {}).get("finalizers"))


def _terminating(resource: Resource, obj: Object) -> Object:
    """A namespace that is being deleted says so in its phase."""
    if resource != NAMESPACES:
        return obj
    return obj | {"status": (obj.get("status") or {}) | {"phase": "Terminating"}}


def is_held(resource: Resource, obj: Object) -> bool:
    """Whether finalizers keep the object. A namespace has some in its spec."""
    return bool(obj["metadata"].get("finalizers")) or _waits_for_contents(resource, obj)


def is_released(resource: Resource, new: Object) -> bool:
    """Whether an update took away the last thing that held an object that is being deleted."""
    metadata = new["metadata"]
    return (
        bool(metadata.get("deletionTimestamp"))
        and not metadata.get("deletionGracePeriodSeconds")
        and not is_held(resource, new)
    )


def with_finalizers(obj: Object, finalizers: list[str]) -> Object:
    """A copy, as deep as deletion changes it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "finalizers"}
    return obj | {"metadata": metadata | ({"finalizers": finalizers} if finalizers else {})}


def plan_finalizers(obj: Object, options: DeleteOptions, default: str) -> list[str]:
    """The object's finalizers, with those of the garbage collector as the policy wants them."""
    current = obj["metadata"].get("finalizers") or []
    if not default:
        return list(current)
    policy = _policy(current, options, default)
    wanted = {"Orphan": ORPHAN_FINALIZER, "Foreground": FOREGROUND_FINALIZER}.get(policy)
    kept = [
        each for each in current if each not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER) or each == wanted
    ]
    return kept if wanted is None or wanted in kept else [*kept, wanted]


def _policy(finalizers: list[str], options: DeleteOptions, default: str) -> str:
    """What was said now, else what was said before, else what the kind usually does."""
    if options.orphan_dependents is not None:
        return "Orphan" if options.orphan_dependents else "Background"
    if options.propagation_policy:
        return options.propagation_policy
    for finalizer in finalizers:
        if finalizer == ORPHAN_FINALIZER:
            return "Orphan"
        if finalizer == FOREGROUND_FINALIZER:
            return "Foreground"
    return default
