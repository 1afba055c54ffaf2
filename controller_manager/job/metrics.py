"""What the Job controller counts, under upstream's names.

Source: pkg/controller/job/metrics/metrics.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from apimachinery.objects import Object, get_path
from component_base.metrics import Counter, Histogram
from controller_manager.job.indexes import Indexes
from controller_manager.job.plan import Plan, Verdict
from controller_manager.job.pods import has_limit_per_index, is_indexed

RECONCILING, TRACKING = "reconciling", "tracking"
PODS_CREATED, PODS_DELETED = "pods_created", "pods_deleted"

_PREFIX = "job_controller_"
_SYNC_LABELS = ["completion_mode", "result", "action"]

SYNC_SECONDS = Histogram(
    f"{_PREFIX}job_sync_duration_seconds",
    "The time it took to sync a job",
    _SYNC_LABELS,
    buckets=tuple(0.004 * 2**power for power in range(15)),
)
SYNCS = Counter(f"{_PREFIX}job_syncs_total", "The number of job syncs", _SYNC_LABELS)
FINISHED = Counter(
    f"{_PREFIX}jobs_finished_total", "The number of finished jobs", ["completion_mode", "result", "reason"]
)
PODS_FINISHED = Counter(
    f"{_PREFIX}job_pods_finished_total",
    "The number of finished Pods that are fully tracked",
    ["completion_mode", "result"],
)
INDEXES_FINISHED = Counter(
    f"{_PREFIX}job_finished_indexes_total",
    'The number of finished indexes. Possible values for the status label are: "succeeded", "failed". '
    'Possible values for the backoffLimit label are: "perIndex" and "global"',
    ["status", "backoffLimit"],
)


@dataclass(slots=True)
class Sync:
    """A pass over one Job, and what it did with the Job's pods."""

    action: str = RECONCILING


@contextmanager
def syncing(job: Object) -> Iterator[Sync]:
    sync, begun, result = Sync(), monotonic(), "error"
    try:
        yield sync
        result = "success"
    finally:
        labels = (_mode(job), result, sync.action)
        SYNCS.labels(*labels).inc()
        SYNC_SECONDS.labels(*labels).observe(monotonic() - begun)


def action_of(plan: Plan) -> str:
    if plan.delete:
        return PODS_DELETED
    return PODS_CREATED if plan.create or plan.wait else TRACKING


def count_ended_pods(job: Object, status: Object) -> None:
    """What a status that was written counts beyond the Job's before."""
    for result in ("succeeded", "failed"):
        more = status.get(result, 0) - get_path(job, f"status.{result}", 0)
        if more > 0:
            PODS_FINISHED.labels(_mode(job), result).inc(more)
    if is_indexed(job):
        _count_indexes(job, status)


def _count_indexes(job: Object, status: Object) -> None:
    limit = "perIndex" if has_limit_per_index(job) else "global"
    for result, field in (("succeeded", "completedIndexes"), ("failed", "failedIndexes")):
        before, after = (
            len(Indexes.parse(each.get(field) or "", job["spec"]["completions"]))
            for each in (job.get("status") or {}, status)
        )
        if after > before:
            INDEXES_FINISHED.labels(result, limit).inc(after - before)


def count_end(job: Object, verdict: Verdict) -> None:
    FINISHED.labels(_mode(job), "succeeded" if verdict.is_success else "failed", verdict.reason).inc()


def _mode(job: Object) -> str:
    return "Indexed" if is_indexed(job) else "NonIndexed"
