"""From the choice of a node to a pod that is bound there, or is back in the queue.

What was taken for the pod is given back when anything on that way fails.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.events import NORMAL
from scheduler import journal, metrics, status
from scheduler.extended import bind_with
from scheduler.extender import ExtenderError
from scheduler.framework.binding_points import Reservations
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import EventKind, PreBindError, States, Subject, Verdict, code_of
from scheduler.framework.profile import Profile
from scheduler.framework.waiting import WaitingPod
from scheduler.node_info import NodeInfo
from scheduler.parts import Parts
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.queue import QueuedPod
from scheduler.reports import Reports
from scheduler.selection import Selected

log = logging.getLogger(__name__)


class BindingCycle:
    def __init__(self, parts: Parts, reports: Reports) -> None:
        self._parts, self._reports = parts, reports
        self._cache, self._queue = parts.cache, parts.queue

    def begin(self, queued: QueuedPod, profile: Profile, selected: Selected, start: float) -> None:
        """Takes the node for the pod; what has to be waited for goes on in the background."""
        pod = queued.pod
        node = self._cache.node(selected.node)
        assert node is not None, "nothing has happened since it was selected"
        assumed = self._cache.assume(pod, selected.node)
        reserved: Reservations = {}
        try:
            refusal = _reserve(profile, assumed, node, selected.states, reserved)
            answer = refusal or _permit(profile, assumed, node)
        except Exception as error:  # of a plugin of one's own: the room must not stay taken
            self._give_back(assumed, profile, reserved)
            self._fail(queued, assumed, profile, error, start)
            return
        if isinstance(answer, Verdict):
            self._give_back(assumed, profile, reserved)
            self._refuse(queued, assumed, profile, answer, start)
            return
        self._parts.nominator.remove(pod.uid)
        waiting = self._parts.waiting.add(assumed, answer) if answer else None
        carry_out = partial(self._carry_out, queued, assumed, profile, reserved, waiting, start)
        if waiting or profile.binding.takes_long(reserved):
            self._parts.effects.start(carry_out)
        else:
            self._parts.effects.submit(pod.uid, carry_out)
        self._parts.journal.add(journal.of_selected(self._reports.attempt(queued, profile, start), selected))

    async def _carry_out(
        self,
        queued: QueuedPod,
        pod: PodInfo,
        profile: Profile,
        reserved: Reservations,
        waiting: WaitingPod | None,
        start: float,
    ) -> None:
        if waiting is not None and (verdict := await self._decided(waiting)) is not None:
            self._give_back_late(pod, profile, reserved)
            self._refuse(queued, pod, profile, verdict, start)
            return
        try:
            with metrics.PointTimer("PreBind", profile.name):
                await profile.binding.pre_bind(pod, reserved)
            if not await bind_with(self._parts.interested(pod), pod):
                with metrics.PointTimer("Bind", profile.name):
                    await profile.binding.bind(pod, partial(self._parts.api.bind, queued.pod, pod.node_name))
        except Exception as error:  # of the API, or of a plugin of one's own: the room must not stay taken
            self._give_back_late(pod, profile, reserved)
            self._fail(queued, pod, profile, error, start)
            return
        self._cache.finish_binding(pod.uid, asyncio.get_running_loop().time())
        log.info("Successfully bound pod to node: pod=%s node=%s", pod.key, pod.node_name)
        message = f"Successfully assigned {pod.key} to {pod.node_name}"
        self._parts.recorders[profile.name].event(queued.pod.pod, NORMAL, "Scheduled", "Binding", message)
        self._reports.observe(metrics.SCHEDULED, profile.name, start)
        since = queued.added if queued.ready_since is None else queued.ready_since
        metrics.observe_bound(queued.attempts, asyncio.get_running_loop().time() - since)
        with metrics.PointTimer("PostBind", profile.name):
            profile.binding.post_bind(pod)

    async def _decided(self, waiting: WaitingPod) -> Verdict | None:
        since = time.perf_counter()
        try:
            verdict = await waiting.decided()
        finally:
            self._parts.waiting.remove(waiting.pod.uid)
        result = "Success" if verdict is None else "Unschedulable"
        metrics.PERMIT_WAIT_DURATION.labels(result).observe(time.perf_counter() - since)
        return verdict

    # Back

    def _give_back(self, pod: PodInfo, profile: Profile, reserved: Reservations) -> None:
        with metrics.PointTimer("Unreserve", profile.name):
            profile.binding.unreserve(pod, reserved)
        self._parts.nominator.remove(pod.uid)
        self._cache.forget(pod.uid)

    def _give_back_late(self, pod: PodInfo, profile: Profile, reserved: Reservations) -> None:
        """Others have been decided on meanwhile: to them the room that is free again is news."""
        self._give_back(pod, profile, reserved)
        self._queue.wake((EventKind.POD_DELETE,), Subject(old=pod))

    def _refuse(
        self, queued: QueuedPod, pod: PodInfo, profile: Profile, verdict: Verdict, start: float
    ) -> None:
        """A plugin says no after all: the pod waits for what that plugin cares about."""
        self._reports.observe(metrics.UNSCHEDULABLE, profile.name, start)
        message = FitError(1, {pod.node_name: verdict}).message()
        matrix = {pod.node_name: {verdict.plugin: ", ".join(verdict.reasons)}}
        attempt = self._reports.attempt(queued, profile, start)
        self._parts.journal.add(journal.of_rejected(attempt, matrix, message))
        current = self._reports.still_waits(pod)
        if current is None:
            return
        log.info("Pod was refused its node: pod=%s node=%s err=%s", pod.key, pod.node_name, message)
        newest = replace(queued, pod=parse_pod(current))  # it may have waited for long
        self._queue.add_unschedulable(newest, frozenset((verdict.plugin,)))
        self._reports.failed(queued.pod, current, profile.name, status.UNSCHEDULABLE, message, nominated="")

    def _fail(
        self, queued: QueuedPod, pod: PodInfo, profile: Profile, error: Exception, start: float
    ) -> None:
        """The pod is tried later, unless it's gone or bound after all."""
        self._reports.observe(metrics.ERROR, profile.name, start)
        current = self._reports.still_waits(pod)
        if current is None:
            log.info("Dropped a pod that could not be bound: pod=%s reason=%s", pod.key, error)
            return
        is_expected = isinstance(error, PreBindError | ExtenderError | StatusError | ConnectionFailed)
        log.warning(
            "Binding failed: pod=%s node=%s err=%s", pod.key, pod.node_name, error, exc_info=not is_expected
        )
        self._queue.add_failed(replace(queued, pod=parse_pod(current)))
        reason, message = status.SCHEDULER_ERROR, str(error)
        self._reports.failed(queued.pod, current, profile.name, reason, message, nominated="")


def _reserve(
    profile: Profile, pod: PodInfo, node: NodeInfo, states: States, reserved: Reservations
) -> Verdict | None:
    with metrics.PointTimer("Reserve", profile.name) as timer:
        refusal = profile.binding.reserve(pod, node, states, reserved)
        timer.status = code_of(refusal)
        return refusal


def _permit(profile: Profile, pod: PodInfo, node: NodeInfo) -> dict[str, float] | Verdict:
    with metrics.PointTimer("Permit", profile.name) as timer:
        answer = profile.binding.permit(pod, node)
        timer.status = code_of(answer) if isinstance(answer, Verdict) else "Wait" if answer else "Success"
        return answer
