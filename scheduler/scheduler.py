"""Scheduler: takes pods off the queue one by one, decides, and has the decision carried out.

`schedule_one` is the whole story. Deciding is synchronous over the cache; what follows (binding, conditions,
events, evictions) happens in the background through `Effects`, and its outcome comes back to cache and queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from apimachinery.errors import StatusError
from apimachinery.objects import NamespacedName, Object
from apimachinery.times import format_micro_time, format_time
from client.errors import ConnectionFailed
from scheduler import journal, metrics, status
from scheduler.cache import Cache
from scheduler.effects import Effects
from scheduler.extended import bind_with, preempt_with, select_with
from scheduler.extender import Extender, ExtenderError
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import EventKind, PreBindError, Subject
from scheduler.framework.profile import Profile, Reservations, States
from scheduler.journal import Attempt, Journal, rejected_matrix
from scheduler.nominator import Nominator
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.preemption import Candidate, Preemption, PreemptionPlan
from scheduler.queue import FLUSH_INTERVAL, QueuedPod, SchedulingQueue
from scheduler.selection import Rejected, Selected, Selector

log = logging.getLogger(__name__)

BINDER = "DefaultBinder"
# How long decisions are made in a row before the loop may do other things.
TIME_SLICE = 0.005


class Api(Protocol):
    async def bind(self, pod: PodInfo, node: str) -> None: ...

    async def patch_status(self, pod: PodInfo, patch: Object) -> None: ...

    async def delete(self, pod: PodInfo) -> None: ...


class Recorder(Protocol):
    def event(self, obj: Object, type: str, reason: str, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a scheduler is made of. `pod` finds the newest known object of a pod."""

    api: Api
    cache: Cache
    queue: SchedulingQueue
    nominator: Nominator
    selector: Selector
    preemption: Preemption
    profiles: Mapping[str, Profile]
    recorders: Mapping[str, Recorder]
    effects: Effects
    journal: Journal
    pod: Callable[[NamespacedName], Object | None]
    now: Callable[[], datetime]
    extenders: Sequence[Extender] = ()


class Scheduler:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cache, self._queue, self._nominator = parts.cache, parts.queue, parts.nominator

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._parts.effects.run())
            group.create_task(self._flush())
            group.create_task(self._schedule())

    async def _schedule(self) -> None:
        while True:
            await self._queue.wait()
            end = time.monotonic() + TIME_SLICE
            while (queued := self._queue.pop()) is not None:
                if interested := self._interested(queued.pod):
                    await self._schedule_with(queued, interested)
                else:
                    self.schedule_one(queued)
                if time.monotonic() > end:
                    await asyncio.sleep(0)  # lets bindings and watch events through
                    end = time.monotonic() + TIME_SLICE

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            self._queue.flush()
            for pod in self._cache.expire(loop.time()):
                log.warning("Gave up an assumed pod that was never confirmed: pod=%s", pod.key)

    def schedule_one(self, queued: QueuedPod) -> None:
        """One attempt for one pod."""
        pod = queued.pod
        profile = self._parts.profiles[pod.scheduler_name]
        if self._is_settled(pod):
            return
        start = time.perf_counter()
        outcome = self._parts.selector.select(pod, profile)
        seconds = time.perf_counter() - start
        metrics.ALGORITHM_DURATION.observe(seconds)
        if isinstance(outcome, Selected):
            self._bind(queued, profile, outcome, start)
        else:
            plan = self._preempt(pod, profile, outcome.error, outcome.states)
            self._reject(queued, profile, outcome, plan, start)

    def _is_settled(self, pod: PodInfo) -> bool:
        return pod.is_terminating or self._cache.is_assumed(pod.uid)

    # Others are asked, too

    def _interested(self, pod: PodInfo) -> list[Extender]:
        return [each for each in self._parts.extenders if each.is_interested(pod)]

    async def _schedule_with(self, queued: QueuedPod, extenders: Sequence[Extender]) -> None:
        """The same with extenders. Nobody else is decided on meanwhile, but the cluster may change."""
        pod = queued.pod
        profile = self._parts.profiles[pod.scheduler_name]
        if self._is_settled(pod):
            return
        start = time.perf_counter()
        self._queue.hold(pod.uid)
        plan = PreemptionPlan()
        try:
            outcome = await select_with(extenders, self._parts.selector, pod, profile)
            if isinstance(outcome, Rejected):
                plan = await self._preempt_with(extenders, pod, profile, outcome)
        except ExtenderError as error:
            self._queue.release()
            self._extender_failed(queued, profile.name, str(error), start)
            return
        has_news, current = self._queue.release(), self._waiting(pod)
        if current is None:
            return
        if isinstance(outcome, Rejected):
            self._reject(queued, profile, outcome, plan, start)
        elif not has_news or self._parts.selector.still_fits(pod, profile, outcome):
            self._bind(queued, profile, outcome, start)
        else:
            self._queue.add_failed(queued)
        if has_news and self._queue.get(pod.uid) is not None:
            self._queue.retry(pod.uid)
            self._queue.update(parse_pod(current))

    async def _preempt_with(
        self, extenders: Sequence[Extender], pod: PodInfo, profile: Profile, rejected: Rejected
    ) -> PreemptionPlan:
        if not rejected.error.node_count or not profile.preempts:
            return PreemptionPlan()
        metrics.PREEMPTION_ATTEMPTS.inc()
        found = self._parts.preemption.candidates(pod, profile, rejected.error, rejected.states)
        if isinstance(found, PreemptionPlan):
            return found
        return await preempt_with(extenders, pod, found, self._cache.pods)

    def _extender_failed(self, queued: QueuedPod, profile: str, message: str, start: float) -> None:
        self._observe(metrics.ERROR, profile, start)
        current = self._waiting(queued.pod)
        if current is None:
            return
        log.warning("Extender failed: pod=%s err=%s", queued.pod.key, message)
        self._nominator.remove(queued.pod.uid)
        self._queue.add_failed(queued)
        self._report(queued.pod, current, profile, status.SCHEDULER_ERROR, message, nominated="")

    # A node was found

    def _bind(self, queued: QueuedPod, profile: Profile, selected: Selected, start: float) -> None:
        pod = queued.pod
        node = self._cache.node(selected.node)
        assert node is not None, "nothing has happened since it was selected"
        assumed = self._cache.assume(pod, selected.node)
        reserved = profile.reserve(assumed, node, selected.states)
        self._nominator.remove(pod.uid)
        carry_out = partial(self._carry_out, queued, assumed, profile, reserved, start)
        if reserved:
            self._parts.effects.start(carry_out)
        else:
            self._parts.effects.submit(pod.uid, carry_out)
        self._parts.journal.add(journal.of_selected(self._base(queued, profile, start), selected))

    async def _carry_out(
        self, queued: QueuedPod, pod: PodInfo, profile: Profile, reserved: Reservations, start: float
    ) -> None:
        try:
            await profile.pre_bind(pod, reserved)
            if not await bind_with(self._interested(pod), pod):
                await self._parts.api.bind(queued.pod, pod.node_name)
        except (PreBindError, ExtenderError, StatusError, ConnectionFailed) as error:
            profile.unreserve(pod, reserved)
            self._binding_failed(queued, pod, profile.name, error, start)
            return
        self._cache.finish_binding(pod.uid, asyncio.get_running_loop().time())
        log.info("Successfully bound pod to node: pod=%s node=%s", pod.key, pod.node_name)
        message = f"Successfully assigned {pod.key} to {pod.node_name}"
        self._parts.recorders[profile.name].event(queued.pod.pod, "Normal", "Scheduled", message)
        self._observe(metrics.SCHEDULED, profile.name, start)
        since = queued.added if queued.ready_since is None else queued.ready_since
        metrics.observe_bound(queued.attempts, asyncio.get_running_loop().time() - since)

    def _binding_failed(
        self, queued: QueuedPod, pod: PodInfo, profile: str, error: Exception, start: float
    ) -> None:
        """The room is free again, and the pod is tried later, unless it's gone or bound after all."""
        self._cache.forget(pod.uid)
        self._queue.wake((EventKind.POD_DELETE,), Subject(old=pod))
        self._observe(metrics.ERROR, profile, start)
        current = self._waiting(pod)
        if current is None:
            log.info("Dropped a pod that could not be bound: pod=%s reason=%s", pod.key, error)
            return
        log.warning("Binding failed: pod=%s node=%s err=%s", pod.key, pod.node_name, error)
        self._queue.add_failed(queued)
        is_told = isinstance(error, PreBindError | ExtenderError)
        message = str(error) if is_told else f'running Bind plugin "{BINDER}": {error}'
        self._report(queued.pod, current, profile, status.SCHEDULER_ERROR, message, nominated="")

    def _waiting(self, pod: PodInfo) -> Object | None:
        """The pod's newest object if it is the same pod and still has no node."""
        current = self._parts.pod(pod.key)
        if current is None or current["metadata"].get("uid") != pod.uid or current["spec"].get("nodeName"):
            return None
        return current

    # No node was found

    def _reject(
        self, queued: QueuedPod, profile: Profile, rejected: Rejected, plan: PreemptionPlan, start: float
    ) -> None:
        pod, error = queued.pod, rejected.error
        self._queue.add_unschedulable(queued, error.plugins)
        nominated = self._nominate(pod, profile, plan)
        message = error.message(plan.message)
        log.info("Unable to schedule pod; no fit; waiting: pod=%s err=%s", pod.key, message)
        self._observe(metrics.UNSCHEDULABLE, profile.name, start)
        matrix = rejected_matrix(pod, profile, rejected, self._cache.nodes)
        self._parts.journal.add(journal.of_rejected(self._base(queued, profile, start), matrix, message))
        current = self._waiting(pod)
        if current is not None:
            self._report(pod, current, profile.name, status.UNSCHEDULABLE, message, nominated=nominated)

    def _preempt(self, pod: PodInfo, profile: Profile, error: FitError, states: States) -> PreemptionPlan:
        if not error.node_count or not profile.preempts:
            return PreemptionPlan()
        metrics.PREEMPTION_ATTEMPTS.inc()
        return self._parts.preemption.plan(pod, profile, error, states)

    def _nominate(self, pod: PodInfo, profile: Profile, plan: PreemptionPlan) -> str | None:
        """What to write as the nominated node; None leaves it."""
        if plan.candidate is not None:
            self._evict(pod, profile, plan.candidate)
            return plan.candidate.node
        if plan.keeps_nomination:
            return None
        self._nominator.remove(pod.uid)
        return ""

    def _evict(self, pod: PodInfo, profile: Profile, candidate: Candidate) -> None:
        for other in self._nominator.lower(pod, candidate.node):
            # They would find the room taken: they may look elsewhere again.
            self._nominator.remove(other.uid)
            self._parts.effects.submit(other.uid, partial(self._clear_nomination, other))
        self._nominator.add(pod, candidate.node)
        metrics.PREEMPTION_VICTIMS.observe(len(candidate.victims))
        for victim in candidate.victims:
            self._parts.effects.submit(victim.uid, partial(self._delete_victim, victim, pod, profile.name))

    async def _clear_nomination(self, pod: PodInfo) -> None:
        await self._parts.api.patch_status(pod, {"status": {"nominatedNodeName": None}})

    async def _delete_victim(self, victim: PodInfo, preemptor: PodInfo, profile: str) -> None:
        if victim.is_terminating:
            return
        now = format_time(self._parts.now())
        try:
            patch = status.plan_disruption_patch(victim.pod, preemptor.scheduler_name, now)
            if patch is not None:
                await self._parts.api.patch_status(victim, patch)
            await self._parts.api.delete(victim)
        except (StatusError, ConnectionFailed) as error:
            log.warning("Preemption failed: victim=%s preemptor=%s err=%s", victim.key, preemptor.key, error)
            self._nominator.remove(preemptor.uid)
            self._queue.retry(preemptor.uid)
            return
        log.info("Preempted pod: victim=%s preemptor=%s node=%s", victim.key, preemptor.key, victim.node_name)
        message = f"Preempted by pod {preemptor.uid} on node {victim.node_name}"
        self._parts.recorders[profile].event(victim.pod, "Normal", "Preempted", message)

    # Telling others

    def _report(
        self,
        pod: PodInfo,
        current: Object,
        profile: str,
        reason: str,
        message: str,
        *,
        nominated: str | None,
    ) -> None:
        self._parts.recorders[profile].event(current, "Warning", "FailedScheduling", status.note(message))
        now = format_time(self._parts.now())
        patch = status.plan_status_patch(
            current, reason=reason, message=message, nominated_node=nominated, now=now
        )
        if patch is not None:
            self._parts.effects.submit(pod.uid, partial(self._patch_status, pod, patch))

    async def _patch_status(self, pod: PodInfo, patch: Object) -> None:
        if self._waiting(pod) is None:
            return
        try:
            await self._parts.api.patch_status(pod, patch)
        except (StatusError, ConnectionFailed) as error:
            log.warning("Status was not updated: pod=%s err=%s", pod.key, error)

    def _observe(self, result: str, profile: str, start: float) -> None:
        metrics.SCHEDULE_ATTEMPTS.labels(result, profile).inc()
        metrics.ATTEMPT_DURATION.labels(result, profile).observe(time.perf_counter() - start)

    def _base(self, queued: QueuedPod, profile: Profile, start: float) -> Attempt:
        return Attempt(
            pod=queued.pod.key,
            uid=queued.pod.uid,
            time=format_micro_time(self._parts.now()),
            attempt=queued.attempts,
            profile=profile.name,
            milliseconds=(time.perf_counter() - start) * 1000,
        )
