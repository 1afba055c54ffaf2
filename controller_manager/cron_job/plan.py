"""What a CronJob's Jobs have come to, the next Job, and which old ones go. Pure.

Source: pkg/controller/cronjob/cronjob_controllerv2.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apimachinery.conditions import is_condition_true
from apimachinery.objects import (
    Object,
    annotations_of,
    deep_copy,
    get_path,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    resource_version_of,
    uid_of,
)
from apimachinery.times import format_time, parse_time
from controller_manager.cron_job.times import zone_of
from controller_manager.job.status import is_finished

SCHEDULED_ANNOTATION = "batch.kubernetes.io/cronjob-scheduled-timestamp"

COMPLETE, FAILED = "Complete", "Failed"


@dataclass(slots=True)
class Review:
    """The status after a look at the Jobs, and what is to be told."""

    status: Object
    completed: list[Object] = field(default_factory=list)
    unexpected: list[Object] = field(default_factory=list)
    missing: list[Object] = field(default_factory=list)
    """References to Jobs that the cache doesn't show."""


def review(cron_job: Object, jobs: Sequence[Object]) -> Review:
    """Takes finished Jobs from the active ones and notes the newest success."""
    status = dict(cron_job.get("status") or {})
    active = {each["uid"]: each for each in status.get("active") or ()}
    found = Review(
        status, missing=[each for uid, each in active.items() if uid not in set(map(uid_of, jobs))]
    )
    for job in jobs:
        is_active = uid_of(job) in active
        if is_active and is_finished(job):
            found.completed.append(job)
        elif not is_active and not is_finished(job):
            found.unexpected.append(job)
        if is_condition_true(job, COMPLETE):
            _note_success(status, job)
    gone = set(map(uid_of, found.completed))
    status["active"] = [each for uid, each in active.items() if uid not in gone]
    return found


def _note_success(status: Object, job: Object) -> None:
    end, last = get_path(job, "status.completionTime"), status.get("lastSuccessfulTime")
    if end and (not last or parse_time(end) > parse_time(last)):
        status["lastSuccessfulTime"] = end


def finish_of(job: Object) -> str:
    return COMPLETE if is_condition_true(job, COMPLETE) else FAILED


def without(status: Object, reference: Object) -> Object:
    """The status with one Job less among the active."""
    return {**status, "active": [each for each in status["active"] if each["uid"] != reference["uid"]]}


def with_job(status: Object, job: Object, at: datetime) -> Object:
    """The status with one Job more, and the time it is for."""
    reference = {
        "apiVersion": job["apiVersion"],
        "kind": job["kind"],
        "name": name_of(job),
        "namespace": namespace_of(job),
        "resourceVersion": resource_version_of(job),
        "uid": uid_of(job),
    }
    others = [each for each in status.get("active") or () if each["uid"] != uid_of(job)]
    return {**status, "active": [*others, reference], "lastScheduleTime": format_time(at)}


def is_too_late(cron_job: Object, at: datetime, now: datetime) -> bool:
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    return deadline is not None and at + timedelta(seconds=deadline) < now


def is_started(cron_job: Object, status: Object, at: datetime) -> bool:
    """Whether the Job for that time is known already."""
    names = {each["name"] for each in status.get("active") or ()}
    return job_name(cron_job, at) in names or status.get("lastScheduleTime") == format_time(at)


def job_name(cron_job: Object, at: datetime) -> str:
    """The same for the same time, so that no time gets two Jobs."""
    return f"{name_of(cron_job)}-{int(at.timestamp()) // 60}"


def new_job(cron_job: Object, at: datetime) -> Object:
    """The Job for a time of the schedule, yet to be created."""
    template = cron_job["spec"]["jobTemplate"]
    local = at.astimezone(zone_of(cron_job)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(cron_job, at),
            "namespace": namespace_of(cron_job),
            "labels": dict(labels_of(template)),
            "annotations": {**annotations_of(template), SCHEDULED_ANNOTATION: local},
            "ownerReferences": [owner_reference(cron_job)],
        },
        "spec": deep_copy(template["spec"]),
    }


def to_clean_up(cron_job: Object, jobs: Sequence[Object]) -> list[Object]:
    """Finished Jobs beyond the history limits, the oldest first."""
    chosen: list[Object] = []
    limits = {COMPLETE: "successfulJobsHistoryLimit", FAILED: "failedJobsHistoryLimit"}
    for finish, limit_field in limits.items():
        limit = cron_job["spec"].get(limit_field)
        if limit is None:
            continue
        ended = sorted((job for job in jobs if is_finished(job) and finish_of(job) == finish), key=_started)
        chosen += ended[: max(len(ended) - limit, 0)]
    return chosen


def _started(job: Object) -> tuple[bool, str, str]:
    start = get_path(job, "status.startTime", "")
    return not start, start, name_of(job)
