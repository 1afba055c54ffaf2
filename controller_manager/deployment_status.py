"""The status of a Deployment and its conditions. Pure.

Source of the rules: pkg/controller/deployment/{progress,sync}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path, name_of
from apimachinery.times import format_time, time_or_zero
from controller_manager.deployment_sizes import available, max_unavailable, size, total

AVAILABLE, PROGRESSING, REPLICA_FAILURE = "Available", "Progressing", "ReplicaFailure"
CREATED, FOUND, UPDATED = "NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated"
COMPLETE, TIMED_OUT, CREATE_FAILED = (
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "ReplicaSetCreateError",
)
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"

_NO_DEADLINE = 2**31 - 1

Conditions = list[Object]


def has_deadline(deployment: Object) -> bool:
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, _NO_DEADLINE)


def condition(type: str, status: str, reason: str, message: str, now: datetime) -> Object:
    moment = format_time(now)
    return {
        "type": type,
        "status": status,
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
        "reason": reason,
        "message": message,
    }


def with_condition(conditions: Conditions, new: Object) -> Conditions:
    """The same status and reason change nothing; the same status keeps its lastTransitionTime."""
    old = find_condition(conditions, new["type"])
    if old is not None and (old["status"], old.get("reason")) == (new["status"], new["reason"]):
        return conditions
    if old is not None and old["status"] == new["status"]:
        new = {**new, "lastTransitionTime": old.get("lastTransitionTime")}
    return [*without_condition(conditions, new["type"]), new]


def without_condition(conditions: Conditions, type: str) -> Conditions:
    return [each for each in conditions if each["type"] != type]


def conditions_of(deployment: Object) -> Conditions:
    return list(get_path(deployment, "status.conditions", []))


def pause_condition(deployment: Object, now: datetime) -> Object | None:
    """What Progressing becomes because the Deployment was paused or resumed; None if nothing."""
    if not has_deadline(deployment):
        return None
    known = find_condition(conditions_of(deployment), PROGRESSING) or {}
    if known.get("reason") == TIMED_OUT:
        return None  # a deadline that was missed stays missed
    is_paused, was_paused = bool(deployment["spec"].get("paused")), known.get("reason") == PAUSED
    if is_paused and not was_paused:
        return condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now)
    if was_paused and not is_paused:
        return condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now)
    return None


def calculate_status(deployment: Object, sets: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """Counts and Available; everything else in `conditions` is kept. Fields that are zero are absent."""
    ready = sum(available(each) for each in sets)
    counts = {
        "observedGeneration": deployment["metadata"].get("generation") or 0,
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": ready,
        "unavailableReplicas": max(total(sets) - ready, 0),
        "collisionCount": get_path(deployment, "status.collisionCount", 0),
    }
    status: Object = {name: count for name, count in counts.items() if count}
    if ready >= size(deployment) - max_unavailable(deployment):
        text = "Deployment has minimum availability."
        verdict = condition(AVAILABLE, "True", "MinimumReplicasAvailable", text, now)
    else:
        text = "Deployment does not have minimum availability."
        verdict = condition(AVAILABLE, "False", "MinimumReplicasUnavailable", text, now)
    status["conditions"] = with_condition(conditions_of(deployment), verdict)
    return status


def _sum(sets: Iterable[Object], name: str) -> int:
    return sum(int(get_path(each, f"status.{name}", 0)) for each in sets)


def calculate_rollout_status(
    deployment: Object, sets: Sequence[Object], new: Object | None, now: datetime
) -> Object:
    """As calculate_status, and says how the rollout goes."""
    status = calculate_status(deployment, sets, new, now)
    conditions: Conditions = status["conditions"]
    known = find_condition(conditions, PROGRESSING)
    if not has_deadline(deployment):
        conditions = without_condition(conditions, PROGRESSING)
    elif not _was_complete(status, known):
        conditions = _with_progress(deployment, status, new, now)
    failure = _replica_failure(sets, new)
    conditions = without_condition(conditions, REPLICA_FAILURE) if failure is None else with_condition(
        conditions, failure
    )  # fmt: skip
    status["conditions"] = conditions
    return status


def _was_complete(status: Object, known: Object | None) -> bool:
    """A finished rollout stays finished while pods come and go."""
    return (
        status.get("replicas") == status.get("updatedReplicas")
        and known is not None
        and known.get("reason") == COMPLETE
    )


def _with_progress(deployment: Object, status: Object, new: Object | None, now: datetime) -> Conditions:
    conditions: Conditions = status["conditions"]
    known = find_condition(conditions, PROGRESSING)
    subject = f'ReplicaSet "{name_of(new)}"' if new else f'Deployment "{name_of(deployment)}"'
    if is_complete(deployment, status):
        done = condition(PROGRESSING, "True", COMPLETE, f"{subject} has successfully progressed.", now)
        return with_condition(conditions, done)
    if _is_progressing(deployment, status):
        progress = condition(PROGRESSING, "True", UPDATED, f"{subject} is progressing.", now)
        if known is not None and known["status"] == "True":
            progress["lastTransitionTime"] = known.get("lastTransitionTime")
        return [*without_condition(conditions, PROGRESSING), progress]
    if is_timed_out(deployment, known, now):
        late = condition(PROGRESSING, "False", TIMED_OUT, f"{subject} has timed out progressing.", now)
        return with_condition(conditions, late)
    return conditions


def is_complete(deployment: Object, status: Object) -> bool:
    """All replicas are of the new template and available, and nothing else is left."""
    wanted = size(deployment)
    counts = (status.get(name) or 0 for name in ("updatedReplicas", "replicas", "availableReplicas"))
    observed = status.get("observedGeneration") or 0
    return all(count == wanted for count in counts) and observed >= (
        deployment["metadata"].get("generation") or 0
    )


def _is_progressing(deployment: Object, status: Object) -> bool:
    """Whether the counts have moved in the right direction since the status was last written."""
    old = deployment.get("status") or {}

    def count(of: Object, name: str) -> int:
        return of.get(name) or 0

    def outdated(of: Object) -> int:
        return count(of, "replicas") - count(of, "updatedReplicas")

    growing = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return outdated(status) < outdated(old) or any(count(status, name) > count(old, name) for name in growing)


def is_timed_out(deployment: Object, known: Object | None, now: datetime) -> bool:
    if known is None or not has_deadline(deployment) or known.get("reason") == COMPLETE:
        return False
    return known.get("reason") == TIMED_OUT or _deadline(deployment, known) < now


def _deadline(deployment: Object, known: Object) -> datetime:
    since = time_or_zero(known.get("lastUpdateTime"))
    return since + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"])


def next_look(deployment: Object, status: Object, now: datetime) -> float | None:
    """Seconds until a rollout that doesn't move has missed its deadline."""
    known = find_condition(status.get("conditions"), PROGRESSING)
    if not has_deadline(deployment) or known is None or known.get("reason") in (TIMED_OUT, COMPLETE):
        return None
    if is_complete(deployment, status) or deployment["spec"].get("paused"):
        return None
    return max((_deadline(deployment, known) - now).total_seconds(), 0.0) + 1.0


def _replica_failure(sets: Sequence[Object], new: Object | None) -> Object | None:
    """The ReplicaFailure of the new ReplicaSet, or else of an old one, as a condition of the Deployment."""
    others = [each for each in sets if each is not new]
    for replica_set in [*([new] if new else []), *others]:
        found = find_condition(get_path(replica_set, "status.conditions", []), REPLICA_FAILURE)
        if found is not None:
            return {
                "type": REPLICA_FAILURE,
                "status": found["status"],
                "lastUpdateTime": found.get("lastTransitionTime"),
                "lastTransitionTime": found.get("lastTransitionTime"),
                "reason": found.get("reason", ""),
                "message": found.get("message", ""),
            }
    return None
