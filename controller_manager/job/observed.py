"""A Job and its pods as they are now, counted once for all decisions of a pass. Pure.

Source: pkg/controller/job/job_controller.go (syncJobCtx and what fills it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object, get_path, is_terminating, uid_of
from apimachinery.pods import is_ready, is_terminal, phase_of
from controller_manager.job.indexes import Indexes
from controller_manager.job.pods import (
    NO_INDEX,
    failures_of,
    finished_at,
    has_limit_per_index,
    index_of,
    is_failed,
    is_indexed,
    is_tracked,
)
from controller_manager.job.policies import meaning_of


@dataclass(frozen=True, slots=True)
class Observed:
    """Pods that are tracked and have ended are counted already, though the status doesn't tell yet."""

    job: Object
    pods: Sequence[Object]
    now: datetime
    active: Sequence[Object]
    new_succeeded: Sequence[Object]
    new_failed: Sequence[Object]
    succeeded: int
    failed: int
    known_indexes: Indexes
    """That have succeeded, as the status tells."""
    succeeded_indexes: Indexes
    failed_indexes: Indexes
    kept: Mapping[int, Object]
    """By index the failed pod that stays until its successor knows how many have failed."""

    @property
    def spec(self) -> Object:
        spec: Object = self.job["spec"]
        return spec

    @property
    def is_suspended(self) -> bool:
        return bool(self.spec.get("suspend"))

    @property
    def terminating(self) -> int:
        """Pods that are being deleted and haven't ended yet."""
        return sum(is_terminating(pod) and not is_terminal(pod) for pod in self.pods)

    @property
    def ready(self) -> int:
        return sum(map(is_ready, self.active))


def observe(job: Object, pods: Sequence[Object], now: datetime) -> Observed:
    uncounted = get_path(job, "status.uncountedTerminatedPods", {})
    succeeded, failed = set(uncounted.get("succeeded") or ()), set(uncounted.get("failed") or ())
    tracked = [pod for pod in pods if is_tracked(pod) and is_valid(job, pod)]
    active = [pod for pod in pods if not is_terminal(pod) and not is_terminating(pod)]
    new_succeeded = [pod for pod in tracked if phase_of(pod) == "Succeeded" and uid_of(pod) not in succeeded]
    new_failed = [pod for pod in tracked if is_failed(pod, job) and uid_of(pod) not in failed]
    counted = sum(meaning_of(job, pod).counts for pod in new_failed)
    known = Indexes.parse(get_path(job, "status.completedIndexes", ""), _completions(job))
    done = known | Indexes.of(index_of(pod) for pod in tracked if phase_of(pod) == "Succeeded")
    lost = _failed_indexes(job, tracked) if has_limit_per_index(job) else Indexes()
    total = get_path(job, "status.succeeded", 0) + len(succeeded) + len(new_succeeded)
    return Observed(
        job=job,
        pods=pods,
        now=now,
        active=active,
        new_succeeded=new_succeeded,
        new_failed=new_failed,
        succeeded=len(done) if is_indexed(job) else total,
        failed=get_path(job, "status.failed", 0) + len(failed) + counted,
        known_indexes=known,
        succeeded_indexes=done if is_indexed(job) else Indexes(),
        failed_indexes=lost,
        kept=_kept(job, tracked, active, done | lost) if has_limit_per_index(job) else {},
    )


def is_valid(job: Object, pod: Object) -> bool:
    """Of an indexed Job only pods with an index of it are anything."""
    return not is_indexed(job) or NO_INDEX < index_of(pod) < _completions(job)


def _completions(job: Object) -> int:
    return int(job["spec"].get("completions") or 0)


def _failed_indexes(job: Object, tracked: Sequence[Object]) -> Indexes:
    known = Indexes.parse(get_path(job, "status.failedIndexes", ""), _completions(job))
    return known | Indexes.of(index_of(pod) for pod in tracked if _fails_index(job, pod))


def _fails_index(job: Object, pod: Object) -> bool:
    if not is_failed(pod, job):
        return False
    meaning = meaning_of(job, pod)
    is_beyond = failures_of(pod)[0] >= job["spec"]["backoffLimitPerIndex"]
    return meaning.fails_index or (meaning.counts and is_beyond)


def _kept(
    job: Object, tracked: Sequence[Object], active: Sequence[Object], over: Indexes
) -> dict[int, Object]:
    """Of each index that needs another pod the failed one that knows of the most failures."""
    running = set(map(index_of, active))
    kept: dict[int, Object] = {}
    for pod in sorted(tracked, key=lambda pod: (sum(failures_of(pod)), finished_at(pod))):
        index = index_of(pod)
        if is_failed(pod, job) and index not in running and index not in over:
            kept[index] = pod
    return kept
