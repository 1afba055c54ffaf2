"""How a CustomResourceDefinition that is being deleted goes: its instances first. Pure.

Source: pkg/controller/finalizer/crd_finalizer.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from apimachinery import conditions
from apimachinery.objects import Object
from apiserver.customresources.definition import CLEANUP_FINALIZER, TERMINATING

PENDING = (
    "True", "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
)  # fmt: skip
IN_PROGRESS = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
COMPLETED = ("False", "InstanceDeletionCompleted", "removed all instances")
NEVER_ESTABLISHED = ("False", "NeverEstablished", "resource was never established")

State = tuple[str, str, str]
"""Status, reason and message of the condition Terminating."""


def is_ending(definition: Object) -> bool:
    """Whether it waits for its instances to go."""
    metadata = definition["metadata"]
    return bool(metadata.get("deletionTimestamp")) and CLEANUP_FINALIZER in (metadata.get("finalizers") or ())


def marked(definition: Object, state: State, now: str) -> Object:
    """A copy that says how far it is."""
    status: Object = {**(definition.get("status") or {})}
    found = [dict(each) for each in status.get("conditions") or ()]
    kind, reason, message = state
    conditions.set_condition(
        found, {"type": TERMINATING, "status": kind, "reason": reason, "message": message}, now
    )
    return {**definition, "status": {**status, "conditions": found}}


def released(definition: Object, state: State, now: str) -> Object:
    """A copy without the finalizer."""
    metadata = dict(definition["metadata"])
    kept = [each for each in metadata.pop("finalizers", None) or () if each != CLEANUP_FINALIZER]
    return marked({**definition, "metadata": metadata | ({"finalizers": kept} if kept else {})}, state, now)
