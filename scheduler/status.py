"""What the scheduler writes into a pod's status: the PodScheduled condition and the nominated node. Pure."""

from __future__ import annotations

from apimachinery.conditions import condition_of
from apimachinery.objects import Object

UNSCHEDULABLE, SCHEDULER_ERROR, SCHEDULING_GATED = "Unschedulable", "SchedulerError", "SchedulingGated"
POD_SCHEDULED = "PodScheduled"
MAX_NOTE = 1024


def plan_status_patch(
    pod: Object, *, reason: str, message: str, nominated_node: str | None, now: str
) -> Object | None:
    """A strategic merge patch that says why the pod has no node; None if its status says so already.

    `nominated_node` None leaves the nomination as it is, "" takes it away.
    """
    status: Object = {}
    condition = _condition(pod, POD_SCHEDULED, "False", reason, message, now)
    if condition is not None:
        status["conditions"] = [condition]
    nominated = (pod.get("status") or {}).get("nominatedNodeName") or ""
    if nominated_node is not None and nominated_node != nominated:
        status["nominatedNodeName"] = nominated_node or None
    return {"status": status} if status else None


def _condition(pod: Object, type: str, state: str, reason: str, message: str, now: str) -> Object | None:
    """None if the pod has it already."""
    wanted = {"type": type, "status": state, "reason": reason, "message": message}
    generation = pod["metadata"].get("generation")
    if generation:
        wanted["observedGeneration"] = generation
    old = condition_of(pod, type)
    if old is not None and all(old.get(name) == value for name, value in wanted.items()):
        return None
    since = old.get("lastTransitionTime") if old is not None and old.get("status") == state else None
    return {**wanted, "lastProbeTime": None, "lastTransitionTime": since or now}


def plan_disruption_patch(pod: Object, preemptor_scheduler: str, now: str) -> Object | None:
    """Marks a victim of preemption, before it is deleted."""
    message = f"{preemptor_scheduler}: preempting to accommodate a higher priority pod"
    condition = _condition(pod, "DisruptionTarget", "True", "PreemptionByScheduler", message, now)
    return None if condition is None else {"status": {"conditions": [condition]}}


def note(message: str) -> str:
    """A message as an Event may carry it; a condition has all of it."""
    suffix = " ..."
    return message if len(message) <= MAX_NOTE else message[: MAX_NOTE - len(suffix)] + suffix
