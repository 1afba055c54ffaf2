"""The conditions and times in the status of a Job. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path
from apimachinery.pods import is_ready
from apimachinery.times import format_time
from controller_manager.job.observed import Observed
from controller_manager.job.plan import COMPLETE, SUSPENDED, Verdict

_OMITTED_WHEN_ZERO = ("active", "succeeded", "failed")

Conditions = list[Object]


def begun_status(it: Observed, deleted: Sequence[Object], created: int) -> Object:
    """The status with the numbers of running pods after this pass, and the start time."""
    status: Object = {
        "uncountedTerminatedPods": {},
        **(it.job.get("status") or {}),
        "active": len(it.active) - len(deleted) + created,
        "ready": it.ready - sum(map(is_ready, deleted)),
        "terminating": it.terminating + len(deleted),
    }
    if not status.get("startTime") and not it.is_suspended:
        status["startTime"] = format_time(it.now)
    return status


def with_suspension(it: Observed, status: Object) -> Object:
    """Says whether the Job is suspended; one that is resumed starts anew."""
    if it.is_suspended:
        return with_condition(status, SUSPENDED, "True", "JobSuspended", "Job suspended", it.now)
    resumed = with_condition(status, SUSPENDED, "False", "JobResumed", "Job resumed", it.now)
    return resumed if resumed is status else {**resumed, "startTime": format_time(it.now)}


def with_interim(status: Object, verdict: Verdict, now: datetime) -> Object:
    """The verdict is told before its pods have ended, and outlives our death."""
    return with_condition(status, verdict.interim, "True", verdict.reason, verdict.message, now)


def with_final(status: Object, verdict: Verdict, now: datetime) -> Object:
    status = with_condition(status, verdict.final, "True", verdict.reason, verdict.message, now)
    return {**status, "completionTime": format_time(now)} if verdict.final == COMPLETE else status


def with_condition(status: Object, type: str, value: str, reason: str, message: str, now: datetime) -> Object:
    """The same status if there is no news; what was never true is not said to be false."""
    conditions: Conditions = get_path(status, "conditions", [])
    old = find_condition(conditions, type)
    told = (old["status"], old.get("reason"), old.get("message")) if old else None
    if told == (value, reason, message) or (old is None and value == "False"):
        return status
    moment = format_time(now)
    new = {
        "type": type,
        "status": value,
        "lastProbeTime": moment,
        "lastTransitionTime": moment,
        "reason": reason,
        "message": message,
    }
    return {**status, "conditions": [new if each is old else each for each in conditions] + [new] * (not old)}


def as_written(status: Object) -> Object:
    """Counts that are zero are absent."""
    return {field: value for field, value in status.items() if value or field not in _OMITTED_WHEN_ZERO}


def is_finished(job: Object) -> bool:
    conditions = get_path(job, "status.conditions", [])
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)
