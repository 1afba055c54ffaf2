"""Counting each pod of a Job exactly once, whatever dies meanwhile. Pure.

Three steps, each safe to repeat: (1) the uids of ended pods are written into `uncountedTerminatedPods`;
(2) the finalizer of those pods is removed; (3) uids whose pod has no finalizer any more turn into counts.
A pod with the finalizer is not counted yet, one without is; a uid in the list is between the steps.
Indexes need no list: an index that has succeeded counts once by nature.
Source: pkg/controller/job/job_controller.go (trackJobStatusAndRemoveFinalizers).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object, get_path, is_terminating, uid_of
from apimachinery.pods import phase_of
from controller_manager.job.indexes import Indexes
from controller_manager.job.observed import Observed, is_valid
from controller_manager.job.plan import Verdict
from controller_manager.job.pods import has_limit_per_index, index_of, is_failed, is_indexed, is_tracked
from controller_manager.job.policies import meaning_of

MAX_UNCOUNTED = 500
"""Uids in the status at a time, so that it stays small and a big Job doesn't hold up others."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The status to write first (step 1 for new pods, step 3 for earlier ones), and step 2."""

    status: Object
    release: Sequence[Object]
    is_all: bool
    """Whether no ended pod is left for the next pass."""


def tally(it: Observed, status: Object, verdict: Verdict | None) -> Tally:
    """Adds to the status what has ended."""
    tracked = [pod for pod in it.pods if is_tracked(pod)]
    if is_indexed(it.job):
        tracked.sort(key=index_of)
    status = settle(status, {uid_of(pod) for pod in tracked})
    uncounted = status["uncountedTerminatedPods"]
    succeeded, failed = list(uncounted.get("succeeded", ())), list(uncounted.get("failed", ()))
    new_indexes: list[int] = []
    release: list[Object] = []
    for pod in tracked:
        if len(new_indexes) + len(succeeded) + len(failed) >= MAX_UNCOUNTED:
            break
        if not _may_go(it, pod, verdict):
            continue
        release.append(pod)
        uid = uid_of(pod)
        if phase_of(pod) == "Succeeded" and uid not in failed:
            if not is_indexed(it.job):
                succeeded += [uid] if uid not in succeeded else []
            elif is_valid(it.job, pod) and index_of(pod) not in it.known_indexes:
                new_indexes.append(index_of(pod))
        elif _counts_as_failed(it, pod, verdict) and uid not in failed:
            failed.append(uid)
    status = {**status, "uncountedTerminatedPods": _lists(succeeded, failed)}
    is_all = len(new_indexes) + len(succeeded) + len(failed) < MAX_UNCOUNTED
    return Tally(_with_indexes(it, status, new_indexes), release, is_all)


def _may_go(it: Observed, pod: Object, verdict: Verdict | None) -> bool:
    """Whether nothing more is to be learnt from the pod."""
    if is_terminating(it.job) or verdict is not None or phase_of(pod) == "Succeeded":
        return True
    return is_failed(pod, it.job) and it.kept.get(index_of(pod)) is not pod


def _counts_as_failed(it: Observed, pod: Object, verdict: Verdict | None) -> bool:
    """When the Job has failed, every pod that hasn't ended by itself has failed with it."""
    has_failed = is_failed(pod, it.job) or (verdict is not None and not verdict.is_success)
    return has_failed and is_valid(it.job, pod) and meaning_of(it.job, pod).counts


def _with_indexes(it: Observed, status: Object, new: Sequence[int]) -> Object:
    if not is_indexed(it.job):
        return status
    done = it.known_indexes | Indexes.of(new)
    status = {**status, "succeeded": len(done), "completedIndexes": str(done)}
    if has_limit_per_index(it.job):
        status["failedIndexes"] = str(it.failed_indexes)
    return status


def settle(status: Object, tracked: Collection[str]) -> Object:
    """Step 3: counts the uids whose pods are no longer tracked."""
    uncounted = status.get("uncountedTerminatedPods") or {}
    succeeded, failed = uncounted.get("succeeded") or [], uncounted.get("failed") or []
    open_succeeded = [uid for uid in succeeded if uid in tracked]
    open_failed = [uid for uid in failed if uid in tracked]
    return {
        **status,
        "succeeded": get_path(status, "succeeded", 0) + len(succeeded) - len(open_succeeded),
        "failed": get_path(status, "failed", 0) + len(failed) - len(open_failed),
        "uncountedTerminatedPods": _lists(open_succeeded, open_failed),
    }


def _lists(succeeded: Sequence[str], failed: Sequence[str]) -> Object:
    """Empty lists are absent."""
    lists = {"succeeded": list(succeeded), "failed": list(failed)}
    return {name: uids for name, uids in lists.items() if uids}


def has_uncounted(status: Object) -> bool:
    return bool(status.get("uncountedTerminatedPods"))
