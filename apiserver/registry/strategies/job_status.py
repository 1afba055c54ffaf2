"""What the status of a Job may say: counts that only grow, ends that stay, conditions that agree.

Source: upstream's pkg/apis/batch/validation/validation.go (validateJobStatus).
"""

from __future__ import annotations

from apimachinery.conditions import is_condition_true
from apimachinery.field import OMITTED, ErrorList, Errors, Path, invalid, required
from apimachinery.objects import Object, get_path
from apimachinery.times import parse_time
from apiserver.registry.strategies.checks import non_negative_fields

_STATUS = Path("status")
_CONDITIONS = _STATUS.child("conditions")
_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
_LASTING = ("Failed", "Complete", "FailureTarget", "SuccessCriteriaMet")
_CONTRADICTIONS = (
    ("Complete", "Failed", "cannot set Complete=True and Failed=true conditions"),
    ("Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    ("SuccessCriteriaMet", "Failed", "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
    (
        "SuccessCriteriaMet",
        "FailureTarget",
        "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
    ),
)
_ANNOUNCED = (
    ("Failed", "FailureTarget", "cannot set Failed=True condition without the FailureTarget=true condition"),
    (
        "Complete",
        "SuccessCriteriaMet",
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ),
)


def validate_job_status_update(new: Object, old: Object) -> ErrorList:
    """What was wrong before is no obstacle to another change."""
    known = set(map(str, _validate(old)))
    return [*(error for error in _validate(new) if str(error) not in known), *_changes(new, old)]


def _validate(job: Object) -> Errors:
    status = job.get("status") or {}
    yield from non_negative_fields(status, _STATUS, *_COUNTS)
    yield from _conditions(job)
    if is_condition_true(job, "Complete") or is_condition_true(job, "Failed"):
        yield from _end(status)
    yield from _completion_time(status, is_complete=is_condition_true(job, "Complete"))
    if (status.get("ready") or 0) > (status.get("active") or 0):
        yield invalid(_STATUS.child("ready"), status["ready"], "cannot set more ready pods than active")
    yield from _indexes(job["spec"], status)


def _conditions(job: Object) -> Errors:
    for one, other, detail in _CONTRADICTIONS:
        if is_condition_true(job, one) and is_condition_true(job, other):
            yield invalid(_CONDITIONS, OMITTED, detail)
    for end, announcement, detail in _ANNOUNCED:
        if is_condition_true(job, end) and not is_condition_true(job, announcement):
            yield invalid(_CONDITIONS, OMITTED, detail)


def _end(status: Object) -> Errors:
    for field in ("active", "terminating"):
        if status.get(field):
            yield invalid(_STATUS.child(field), status[field], f"{field}>0 is invalid for finished job")
    if not status.get("startTime"):
        yield required(_STATUS.child("startTime"), "startTime is required for finished job")
    uncounted = status.get("uncountedTerminatedPods")
    if uncounted and any(uncounted.values()):
        detail = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid(_STATUS.child("uncountedTerminatedPods"), uncounted, detail)


def _completion_time(status: Object, *, is_complete: bool) -> Errors:
    end, start, at = status.get("completionTime"), status.get("startTime"), _STATUS.child("completionTime")
    if end and not is_complete:
        detail = "cannot set completionTime when there is no Complete=True condition"
        yield invalid(at, end, detail)
    if is_complete and not end:
        yield required(at, "completionTime is required for Complete jobs")
    if start and end and parse_time(end) < parse_time(start):
        yield invalid(at, end, "completionTime cannot be set before startTime")


def _indexes(spec: Object, status: Object) -> Errors:
    completed, failed = status.get("completedIndexes"), status.get("failedIndexes")
    if completed and spec.get("completionMode") != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid(_STATUS.child("completedIndexes"), completed, detail)
    if failed is not None and spec.get("backoffLimitPerIndex") is None:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid(_STATUS.child("failedIndexes"), failed, detail)


def _changes(new: Object, old: Object) -> Errors:
    for type in _LASTING:
        if is_condition_true(old, type) and not is_condition_true(new, type):
            kind = "" if type == "SuccessCriteriaMet" else "terminal "
            yield invalid(_CONDITIONS, OMITTED, f"cannot disable the {kind}{type}=True condition")
    for field in ("failed", "succeeded"):
        count, before = (get_path(job, f"status.{field}", 0) for job in (new, old))
        if count < before:
            yield invalid(_STATUS.child(field), count, f"cannot decrease the {field} counter")
    end, before = (get_path(job, "status.completionTime") for job in (new, old))
    if end and before and end != before:
        yield invalid(_STATUS.child("completionTime"), end, "completionTime cannot be mutated")
