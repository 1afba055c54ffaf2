"""Scheduler: takes pods off the queue one by one, decides, and has the decision carried out.

`schedule_one` is the whole story. Deciding is synchronous over the cache; what follows (binding, conditions,
events, evictions) happens in the background through `Effects`, and its outcome comes back to cache and queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial

from apimachinery.errors import StatusError
from apimachinery.times import format_time
from client.errors import ConnectionFailed
from client.events import NORMAL
from scheduler import journal, metrics, status
from scheduler.binding_cycle import BindingCycle
from scheduler.extended import preempt_with, select_with
from scheduler.extender import Extender, ExtenderError
from scheduler.framework.profile import Profile
from scheduler.journal import rejected_matrix
from scheduler.parts import Parts
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.post_filter import Outcome, Remedy, run_post_filters
from scheduler.preemption import NAME as PREEMPTION
from scheduler.preemption import Candidate, PreemptionPlan
from scheduler.queue import FLUSH_INTERVAL, QueuedPod
from scheduler.reports import Reports
from scheduler.selection import Rejected, Selected

log = logging.getLogger(__name__)

# How long decisions are made in a row before the loop may do other things.
TIME_SLICE = 0.005


class Scheduler:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cache, self._queue, self._nominator = parts.cache, parts.queue, parts.nominator
        self._reports = Reports(parts)
        self._binding = BindingCycle(parts, self._reports)

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
                if interested := self._parts.interested(queued.pod):
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
        try:
            outcome = self._parts.selector.select(pod, profile)
            metrics.ALGORITHM_DURATION.observe(time.perf_counter() - start)
            if isinstance(outcome, Rejected):
                preempt = partial(self._preempt, pod, profile, outcome)
                after = run_post_filters(pod, profile, outcome, preempt)
        except Exception as error:  # of a plugin of one's own: others go on
            log.exception("Attempt failed: pod=%s", pod.key)
            self._fail(queued, profile.name, str(error), start)
            return
        if isinstance(outcome, Selected):
            self._binding.begin(queued, profile, outcome, start)
        else:
            self._reject(queued, profile, outcome, after, start)

    def _is_settled(self, pod: PodInfo) -> bool:
        return pod.is_terminating or self._cache.is_assumed(pod.uid)

    # With extenders

    async def _schedule_with(self, queued: QueuedPod, extenders: Sequence[Extender]) -> None:
        """The same with extenders. Nobody else is decided on meanwhile, but the cluster may change."""
        pod = queued.pod
        profile = self._parts.profiles[pod.scheduler_name]
        if self._is_settled(pod):
            return
        start = time.perf_counter()
        self._queue.hold(pod.uid)
        try:
            outcome = await select_with(extenders, self._parts.selector, pod, profile)
            if isinstance(outcome, Rejected):
                plan = await self._preempt_with(extenders, pod, profile, outcome)
                after = run_post_filters(pod, profile, outcome, lambda: plan)
        except Exception as error:
            self._queue.release()
            log.warning(
                "Attempt failed: pod=%s err=%s", pod.key, error, exc_info=not isinstance(error, ExtenderError)
            )
            self._fail(queued, profile.name, str(error), start)
            return
        has_news, current = self._queue.release(), self._reports.still_waits(pod)
        if current is None:
            return
        if isinstance(outcome, Rejected):
            self._reject(queued, profile, outcome, after, start)
        elif not has_news or self._parts.selector.still_fits(pod, profile, outcome):
            self._binding.begin(queued, profile, outcome, start)
        else:
            self._queue.add_failed(queued)
        if has_news and self._queue.get(pod.uid) is not None:
            self._queue.retry(pod.uid)
            self._queue.update(parse_pod(current))

    async def _preempt_with(
        self, extenders: Sequence[Extender], pod: PodInfo, profile: Profile, rejected: Rejected
    ) -> PreemptionPlan:
        if not rejected.error.node_count or PREEMPTION not in profile.post_filters:
            return PreemptionPlan()
        metrics.PREEMPTION_ATTEMPTS.inc()
        found = self._parts.preemption.candidates(pod, profile, rejected.error, rejected.states)
        if isinstance(found, PreemptionPlan):
            return found
        return await preempt_with(extenders, pod, found, self._cache.pods)

    # No node was found

    def _fail(self, queued: QueuedPod, profile: str, message: str, start: float) -> None:
        """The attempt itself went wrong: nobody knows whether a node would do."""
        self._reports.observe(metrics.ERROR, profile, start)
        current = self._reports.still_waits(queued.pod)
        if current is None:
            return
        self._nominator.remove(queued.pod.uid)
        self._queue.add_failed(queued)
        self._reports.failed(queued.pod, current, profile, status.SCHEDULER_ERROR, message, nominated="")

    def _preempt(self, pod: PodInfo, profile: Profile, rejected: Rejected) -> PreemptionPlan:
        metrics.PREEMPTION_ATTEMPTS.inc()
        return self._parts.preemption.plan(pod, profile, rejected.error, rejected.states)

    def _reject(
        self, queued: QueuedPod, profile: Profile, rejected: Rejected, after: Outcome, start: float
    ) -> None:
        pod, error = queued.pod, rejected.error
        self._queue.add_unschedulable(queued, error.plugins)
        nominated = self._nominate(pod, profile, after.plan)
        for remedy in after.remedies:
            self._parts.effects.submit(pod.uid, partial(self._remedy, pod, remedy))
        message = error.message(after.message)
        log.info("Unable to schedule pod; no fit; waiting: pod=%s err=%s", pod.key, message)
        self._reports.observe(metrics.UNSCHEDULABLE, profile.name, start)
        matrix = rejected_matrix(pod, profile, rejected, self._cache.nodes)
        attempt = self._reports.attempt(queued, profile, start)
        self._parts.journal.add(journal.of_rejected(attempt, matrix, message))
        current = self._reports.still_waits(pod)
        if current is not None:
            self._reports.failed(
                pod, current, profile.name, status.UNSCHEDULABLE, message, nominated=nominated
            )

    async def _remedy(self, pod: PodInfo, remedy: Remedy) -> None:
        try:
            await remedy.act()
        except (StatusError, ConnectionFailed) as error:
            log.warning("Nothing was done for a pod: pod=%s plugin=%s err=%s", pod.key, remedy.plugin, error)
            self._queue.retry(pod.uid)

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
            # One that is not bound yet need not go, only not come.
            if not self._parts.waiting.reject(victim.uid, PREEMPTION, "preempted"):
                self._parts.effects.submit(
                    victim.uid, partial(self._delete_victim, victim, pod, profile.name)
                )

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
        self._parts.recorders[profile].event(
            victim.pod, NORMAL, "Preempted", "Preempting", message, related=preemptor.pod
        )
