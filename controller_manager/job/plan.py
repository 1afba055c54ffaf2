"""Whether a Job is decided, and which pods to make and delete if it isn't. Pure.

Source: pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path, is_terminating, name_of
from apimachinery.pods import is_terminal, phase_of
from apimachinery.times import parse_time
from controller_manager.job.backoff import remaining_of_index
from controller_manager.job.indexes import Indexes
from controller_manager.job.observed import Observed, is_valid
from controller_manager.job.pods import (
    has_limit_per_index,
    index_of,
    is_failed,
    is_indexed,
    replaces_only_failed,
)
from controller_manager.job.policies import meaning_of, met_success_policy
from controller_manager.pod_control import BURST
from controller_manager.replica_plan import pods_to_delete

FAILURE_TARGET, SUCCESS_CRITERIA_MET = "FailureTarget", "SuccessCriteriaMet"
FAILED, COMPLETE, SUSPENDED = "Failed", "Complete", "Suspended"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The Job is decided: its pods are to end, and when they have, it is Failed or Complete."""

    is_success: bool
    reason: str
    message: str

    @property
    def interim(self) -> str:
        """The condition that tells the verdict before the pods have ended."""
        return SUCCESS_CRITERIA_MET if self.is_success else FAILURE_TARGET

    @property
    def final(self) -> str:
        return COMPLETE if self.is_success else FAILED


COMPLETIONS_REACHED = Verdict(True, "CompletionsReached", "Reached expected number of succeeded pods")


def _failure(reason: str, message: str) -> Verdict:
    return Verdict(False, reason, message)


def verdict_on(it: Observed) -> Verdict | None:
    """What was decided earlier stands; failure is looked for before the success policy."""
    return _earlier_verdict(it.job) or _failure_of(it) or _failed_indexes(it) or _success_policy(it)


def _earlier_verdict(job: Object) -> Verdict | None:
    conditions = get_path(job, "status.conditions", [])
    for type in (SUCCESS_CRITERIA_MET, FAILURE_TARGET):
        found = find_condition(conditions, type)
        if found is not None and found["status"] == "True":
            return Verdict(type == SUCCESS_CRITERIA_MET, found.get("reason", ""), found.get("message", ""))
    return None


def _failure_of(it: Observed) -> Verdict | None:
    for pod in it.pods:
        if is_failed(pod, it.job) and (text := meaning_of(it.job, pod).fails_job):
            return _failure("PodFailurePolicy", text)
    if it.failed > it.spec["backoffLimit"] or _restarts_too_often(it):
        return _failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    deadline = deadline_of(it.job)
    if deadline is not None and deadline <= it.now:
        return _failure("DeadlineExceeded", "Job was active longer than specified deadline")
    return None


def _restarts_too_often(it: Observed) -> bool:
    """Containers that restart in their pod count as failures, too."""
    if get_path(it.spec, "template.spec.restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        status.get("restartCount") or 0
        for pod in it.pods
        if phase_of(pod) in ("Running", "Pending")
        for field in ("initContainerStatuses", "containerStatuses")
        for status in get_path(pod, f"status.{field}", [])
    )
    return bool(restarts >= max(it.spec["backoffLimit"], 1))


def deadline_of(job: Object) -> datetime | None:
    """When a Job that runs has been active for too long."""
    seconds, start = job["spec"].get("activeDeadlineSeconds"), get_path(job, "status.startTime")
    if seconds is None or not start or job["spec"].get("suspend"):
        return None
    return parse_time(start) + timedelta(seconds=seconds)


def _failed_indexes(it: Observed) -> Verdict | None:
    failed, most = len(it.failed_indexes), it.spec.get("maxFailedIndexes")
    if most is not None and failed > most:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return _failure("MaxFailedIndexesExceeded", text)
    if failed and failed + len(it.succeeded_indexes) >= it.spec["completions"]:
        return _failure("FailedIndexes", "Job has failed indexes")
    return None


def _success_policy(it: Observed) -> Verdict | None:
    text = met_success_policy(it.job, it.succeeded_indexes) if is_indexed(it.job) else ""
    return Verdict(True, "SuccessPolicy", text) if text else None


def is_complete(it: Observed, active: int) -> bool:
    """Enough pods have succeeded and none runs; without a number of completions one success is enough."""
    wanted = it.spec.get("completions")
    return active == 0 and (it.succeeded > 0 if wanted is None else it.succeeded >= wanted)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass does: delete pods, or make some; not both."""

    delete: Sequence[Object] = ()
    create: Sequence[int | None] = ()
    """Indexes, or as many None as pods for a Job without."""
    wait: float | None = None
    """Seconds until failed pods may be replaced."""

    def __repr__(self) -> str:
        parts = [f"delete={','.join(map(name_of, self.delete))}"] if self.delete else []
        parts += [f"create={','.join(map(str, self.create))}"] if self.create else []
        parts += [f"wait={self.wait:g}"] if self.wait else []
        return " ".join(parts)


def plan_pods(it: Observed, backoff: float) -> Plan:
    """For a Job without a verdict; `backoff` are the seconds until the whole Job may have another pod."""
    wanted = 0 if it.is_suspended else _wanted(it)
    surplus = _surplus(it, max(len(it.active) - wanted, 0))
    if surplus or it.is_suspended:
        return Plan(delete=surplus if it.is_suspended else surplus[:BURST])
    ending = it.terminating if replaces_only_failed(it.job) else 0
    missing = wanted - ending - len(it.active)
    if missing <= 0:
        return Plan()
    if backoff > 0 and not has_limit_per_index(it.job):
        return Plan(wait=backoff)
    return _create(it, min(missing, BURST))


def _wanted(it: Observed) -> int:
    """How many pods should run."""
    parallelism, completions = int(it.spec["parallelism"]), it.spec.get("completions")
    if completions is None:
        return len(it.active) if it.succeeded else parallelism
    return max(min(int(completions) - it.succeeded, parallelism), 0)


def _surplus(it: Observed, count: int) -> list[Object]:
    """Pods without an index of the Job, all but one of each index, and as many others as are too many."""
    gone = _misplaced(it) if is_indexed(it.job) else []
    names = set(map(name_of, gone))
    left = [pod for pod in it.active if name_of(pod) not in names]
    more = count - len(gone)
    return [*gone, *(pods_to_delete(left, (), more, it.now) if more > 0 else ())]


def _misplaced(it: Observed) -> list[Object]:
    by_index: dict[int, list[Object]] = {}
    gone: list[Object] = []
    for pod in it.active:
        if is_valid(it.job, pod):
            by_index.setdefault(index_of(pod), []).append(pod)
        else:
            gone.append(pod)
    for pods in by_index.values():
        if len(pods) > 1:
            gone += pods_to_delete(pods, (), len(pods) - 1, it.now)
    return gone


def _create(it: Observed, count: int) -> Plan:
    if not is_indexed(it.job):
        return Plan(create=[None] * count)
    pending = list(islice(_taken(it).missing(it.spec["completions"]), count))
    if not has_limit_per_index(it.job):
        return Plan(create=pending)
    waits = {index: remaining_of_index(it.kept.get(index), it.now) for index in pending}
    free = [index for index, wait in waits.items() if not wait]
    return Plan(create=free, wait=min((wait for wait in waits.values() if wait), default=None))


def _taken(it: Observed) -> Indexes:
    """The indexes that need no pod."""
    pods = list(it.active)
    if replaces_only_failed(it.job):
        pods += [pod for pod in it.pods if is_terminating(pod) and not is_terminal(pod)]
    running = Indexes.of(index_of(pod) for pod in pods if is_valid(it.job, pod))
    return running | it.succeeded_indexes | it.failed_indexes
