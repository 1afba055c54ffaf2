"""The status of a StatefulSet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apimachinery.objects import Object, get_path, is_terminating, name_of
from apimachinery.pods import is_available, is_ready, phase_of
from controller_manager.stateful_set.identity import ordinals_of, revision_of
from controller_manager.stateful_set.plan import is_created, is_rolling


def calculate_status(
    stateful_set: Object,
    pods: Sequence[Object],
    revisions: tuple[Object, Object],
    collisions: int,
    now: datetime,
    *,
    updating: int = 0,
) -> Object:
    """From the pods as seen; `updating` of them were deleted just now. Counts that are zero are absent."""
    current, update = (name_of(each) for each in revisions)
    seconds = stateful_set["spec"].get("minReadySeconds") or 0
    ready = [pod for pod in pods if phase_of(pod) == "Running" and is_ready(pod)]
    staying = [revision_of(pod) for pod in pods if is_created(pod) and not is_terminating(pod)]
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": max(staying.count(current) - updating, 0),
        "updatedReplicas": staying.count(update),
    }
    status: Object = {
        "observedGeneration": get_path(stateful_set, "metadata.generation", 0),
        "replicas": sum(map(is_created, pods)),
        "availableReplicas": sum(is_available(pod, seconds, now) for pod in ready),
        **{name: count for name, count in counts.items() if count},
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": collisions,
    }
    return _completed(stateful_set, status)


def _completed(stateful_set: Object, status: Object) -> Object:
    """When every pod is new and ready, the new revision is the current one."""
    wanted = len(ordinals_of(stateful_set))
    fields = ("updatedReplicas", "readyReplicas", "replicas")
    if not is_rolling(stateful_set) or any((status.get(each) or 0) != wanted for each in fields):
        return status
    counted = {"currentReplicas": wanted} if wanted else {}
    return {**status, **counted, "currentRevision": status["updateRevision"]}
