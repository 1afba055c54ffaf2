"""The Job controller: runs pods until enough have succeeded, and counts each of them exactly once.

Decisions are in `observed`, `plan` and `tally`; here are the reads, the writes and their order.
Source: pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    get_path,
    is_terminating,
    key_of,
    labels_of,
    namespace_of,
    uid_of,
)
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.job import metrics
from controller_manager.job import status as statuses
from controller_manager.job.backoff import Failures
from controller_manager.job.effects import JobPods
from controller_manager.job.observed import Observed, observe
from controller_manager.job.plan import (
    COMPLETIONS_REACHED,
    Plan,
    Verdict,
    deadline_of,
    is_complete,
    plan_pods,
    verdict_on,
)
from controller_manager.job.pods import FINALIZER, is_tracked
from controller_manager.job.tally import has_uncounted, settle, tally
from controller_manager.ownership import (
    CONTROLLER_INDEX,
    Claimer,
    by_controller,
    candidates,
    matches_labels,
    owner_key,
    owners_of,
    plan_claims,
    selector_of,
)
from controller_manager.status_writer import differs

TRACKED_INDEX = "job-tracked"
"""Index of pods with the finalizer by the key of their Job; without one, by the namespace's nameless key."""

_OURS = (None, "kubernetes.io/job-controller")


class JobController:
    """Drives every Job to its end."""

    name: ClassVar[str] = "job-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._jobs = context.informers.informer(scheme.JOBS)
        self._pods = context.informers.informer(scheme.PODS)
        context.informers.index(scheme.PODS, CONTROLLER_INDEX, by_controller)
        context.informers.index(scheme.PODS, TRACKED_INDEX, _tracked_index)
        self._recorder = context.recorder(self.name)
        self._claimer = Claimer(context.client, scheme.JOBS, scheme.PODS, finalizer=FINALIZER)
        self._effects = JobPods(context.client, self._pods, self._recorder)
        self._writes = OwnWrites(self._jobs)
        self._failures: dict[NamespacedName, Failures] = {}

    def watches(self) -> list[Watch]:
        return [Watch(self._jobs, by_name), Watch(self._pods, self._owners_of)]

    def _owners_of(self, pod: Object) -> Iterable[NamespacedName]:
        """The Job of a pod, or all that might adopt it; nobody's pod may need its finalizer taken away."""
        nobody = [_nobody(pod)] if is_tracked(pod) and controller_of(pod) is None else []
        return [*nobody, *owners_of(pod, "Job", self._jobs)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        job = self._jobs.get(key)
        await self._release_strays(key, job)
        if job is None or statuses.is_finished(job):
            self._forget(key)
            return None
        if job["spec"].get("managedBy") not in _OURS:
            return None
        if not (self._effects.are_seen(key) and self._writes.are_seen(key)):
            return UNSETTLED
        claims = plan_claims(job, matches_labels(selector_of(job).matches), candidates(self._pods, job))
        with metrics.syncing(job) as sync:
            return await self._sync(
                key, observe(job, await self._claimer.claim(job, claims), self._now()), sync
            )

    def _forget(self, key: NamespacedName) -> None:
        self._failures.pop(key, None)
        self._writes.forget(key)
        self._effects.forget(key)

    async def _sync(self, key: NamespacedName, it: Observed, sync: metrics.Sync) -> float | None:
        """One pass: pods first, then the status; an error of the first doesn't keep back the second."""
        failures = self._failures.get(key, Failures()).after(it.new_succeeded, it.new_failed)
        verdict, plan = verdict_on(it), Plan()
        if verdict is not None:
            outcome = await self._effects.end_all(it)
        else:
            if not is_terminating(it.job):
                plan = plan_pods(it, failures.remaining(it.now))
                sync.action = metrics.action_of(plan)
            outcome = await self._effects.carry_out(it, plan)
        status = statuses.begun_status(it, outcome.done, outcome.created)
        if verdict is None and is_complete(it, status["active"]):
            verdict = COMPLETIONS_REACHED
        elif verdict is None and not is_terminating(it.job):
            status = statuses.with_suspension(it, status)
        if status["active"]:
            verdict = None  # until every pod has been asked to end, nothing is told
        await self._track(key, it, status, verdict, failures)
        if outcome.error is not None:
            raise outcome.error
        return _next_look(it, plan)

    async def _track(
        self, key: NamespacedName, it: Observed, status: Object, verdict: Verdict | None, failures: Failures
    ) -> None:
        """Counts what has ended, in the steps of `tally`, and tells the end when all is counted."""
        counted = tally(it, status, verdict)
        status = counted.status if verdict is None else statuses.with_interim(counted.status, verdict, it.now)
        job = await self._write_status(it.job, status)
        self._failures[key] = failures
        self._tell_suspension(it.job, job)
        released = await self._effects.release_all(key, counted.release)
        gone = set(map(uid_of, released.done))
        status = settle(status, {uid_of(pod) for pod in it.pods if is_tracked(pod)} - gone)
        is_over = counted.is_all and not has_uncounted(status) and not status["terminating"]
        if verdict is not None and is_over:
            status = statuses.with_final(status, verdict, it.now)
        job = await self._write_status(job, status)
        if verdict is not None and is_over:
            self._tell_end(job, verdict)
        if released.error is not None:
            raise released.error

    async def _write_status(self, job: Object, status: Object) -> Object:
        """Guarded by the resourceVersion it was decided on: a status that counts must never be overtaken."""
        status = statuses.as_written(status)
        if not differs(status, job.get("status")):
            return job
        written = await self._client.update_status(scheme.JOBS, {**job, "status": status})
        self._writes.note(key_of(job), written)
        metrics.count_ended_pods(job, status)
        return written

    def _tell_suspension(self, old: Object, new: Object) -> None:
        before, after = (get_path(_suspension(each), "status", "False") for each in (old, new))
        if before != after:
            word = "suspended" if after == "True" else "resumed"
            self._recorder.event(new, NORMAL, word.title(), f"Job {word}")

    def _tell_end(self, job: Object, verdict: Verdict) -> None:
        metrics.count_end(job, verdict)
        if not verdict.is_success:
            self._recorder.event(job, WARNING, verdict.reason, verdict.message)
            return
        completions = job["spec"].get("completions")
        if completions is not None and get_path(job, "status.succeeded", 0) > completions:
            text = "Too many succeeded pods running after completion count reached"
            self._recorder.event(job, WARNING, "TooManySucceededPods", text)
        self._recorder.event(job, NORMAL, "Completed", "Job completed")

    # Pods whose Job will never count them.

    async def _release_strays(self, key: NamespacedName, job: Object | None) -> None:
        """Takes the finalizer from pods of a Job that is over, and from pods that are nobody's."""
        tracked = self._pods.by_index(TRACKED_INDEX, str(key))
        strays = [pod for pod in tracked if not self._is_counted_by(job, pod)]
        if strays and key.name and job is None:  # or the cache of Jobs is behind that of pods
            live = await self._live_uid(key)
            strays = [pod for pod in strays if _owner_uid(pod) != live]
        released = await self._effects.release_all(key, strays)
        if released.error is not None:
            raise released.error

    def _is_counted_by(self, job: Object | None, pod: Object) -> bool:
        if job is not None:
            return _owner_uid(pod) == uid_of(job) and not statuses.is_finished(job)
        labels = labels_of(pod)
        jobs = self._jobs.list(namespace_of(pod)) if controller_of(pod) is None else []
        return any(selector_of(each).matches(labels) for each in jobs)

    async def _live_uid(self, key: NamespacedName) -> str | None:
        try:
            return uid_of(await self._client.get(scheme.JOBS, key.name, key.namespace))
        except NotFoundError:
            return None


def _owner_uid(pod: Object) -> str:
    return str((controller_of(pod) or {}).get("uid", ""))


def _suspension(job: Object) -> Object | None:
    conditions = get_path(job, "status.conditions", [])
    return next((each for each in conditions if each["type"] == "Suspended"), None)


def _nobody(pod: Object) -> NamespacedName:
    """The key under which pods without an owner are seen to."""
    return NamespacedName(namespace_of(pod), "")


def _tracked_index(pod: Object) -> Iterable[str]:
    if not is_tracked(pod):
        return ()
    return (str(owner_key(pod, "Job") or _nobody(pod)),)


def _next_look(it: Observed, plan: Plan) -> float | None:
    """What comes by itself: the end of a wait, or the deadline if it is still to come."""
    deadline = deadline_of(it.job)
    waits = [plan.wait or 0.0, (deadline - it.now).total_seconds() if deadline else 0.0]
    return min((wait for wait in waits if wait > 0), default=None)
