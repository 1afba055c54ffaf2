"""The status of a ReplicaSet or ReplicationController: pure, from its pods and what happened in this pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apimachinery.conditions import condition_of, find_condition
from apimachinery.objects import Object, labels_of
from apimachinery.pods import is_available, is_ready
from apimachinery.times import format_time, parse_time

REPLICA_FAILURE = "ReplicaFailure"


def calculate_status(
    owner: Object, active: Sequence[Object], failure: Exception | None, now: datetime
) -> Object:
    """The new status; fields that are zero are absent, but for `replicas`."""
    spec = owner["spec"]
    template_labels = labels_of(spec.get("template") or {}).items()
    seconds = spec.get("minReadySeconds") or 0
    counts = {
        "fullyLabeledReplicas": sum(template_labels <= labels_of(pod).items() for pod in active),
        "readyReplicas": sum(is_ready(pod) for pod in active),
        "availableReplicas": sum(is_available(pod, seconds, now) for pod in active),
    }
    status: Object = {"replicas": len(active), **{name: count for name, count in counts.items() if count}}
    status["observedGeneration"] = owner["metadata"].get("generation") or 0
    conditions = _conditions(owner, len(active), failure, now)
    if conditions:
        status["conditions"] = conditions
    return status


def _conditions(owner: Object, active: int, failure: Exception | None, now: datetime) -> list[Object]:
    """ReplicaFailure stays as it was first seen, and goes when a pass succeeds."""
    conditions = (owner.get("status") or {}).get("conditions") or []
    known = find_condition(conditions, REPLICA_FAILURE)
    others = [each for each in conditions if each is not known]
    if failure is None:
        return others
    if known is not None:
        return [*others, known]
    reason = "FailedCreate" if active < (owner["spec"].get("replicas") or 0) else "FailedDelete"
    new = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": format_time(now),
        "reason": reason,
        "message": str(failure),
    }
    return [*others, new]


def next_look(owner: Object, active: Sequence[Object], now: datetime) -> float | None:
    """Seconds until the next pod that is ready becomes available."""
    seconds = owner["spec"].get("minReadySeconds") or 0
    if not seconds:
        return None
    waits = []
    for pod in active:
        since = (condition_of(pod, "Ready") or {}).get("lastTransitionTime")
        if since and is_ready(pod) and not is_available(pod, seconds, now):
            waits.append((parse_time(since) + timedelta(seconds=seconds) - now).total_seconds())
    return max(min(waits), 0.0) + 0.01 if waits else None
