"""Tells what became of attempts: conditions and Events for users, metrics and the journal for operators."""

from __future__ import annotations

import logging
import time
from functools import partial

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.times import format_micro_time, format_time
from client.errors import ConnectionFailed
from client.events import WARNING
from scheduler import metrics, status
from scheduler.framework.profile import Profile
from scheduler.journal import Attempt
from scheduler.parts import Parts
from scheduler.pod_info import PodInfo
from scheduler.queue import QueuedPod

log = logging.getLogger(__name__)


class Reports:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def still_waits(self, pod: PodInfo) -> Object | None:
        """The pod's newest object if it is the same pod and still has no node."""
        current = self._parts.pod(pod.key)
        if current is None or current["metadata"].get("uid") != pod.uid or current["spec"].get("nodeName"):
            return None
        return current

    def failed(
        self, pod: PodInfo, current: Object, profile: str, reason: str, message: str, *, nominated: str | None
    ) -> None:
        """`nominated`: the node to be written down, "" for none; None leaves what is there."""
        recorder, note = self._parts.recorders[profile], status.note(message)
        recorder.event(current, WARNING, "FailedScheduling", "Scheduling", note)
        now = format_time(self._parts.now())
        patch = status.plan_status_patch(
            current, reason=reason, message=message, nominated_node=nominated, now=now
        )
        if patch is not None:
            self._parts.effects.submit(pod.uid, partial(self._patch_status, pod, patch))

    async def _patch_status(self, pod: PodInfo, patch: Object) -> None:
        if self.still_waits(pod) is None:
            return
        try:
            await self._parts.api.patch_status(pod, patch)
        except (StatusError, ConnectionFailed) as error:
            log.warning("Status was not updated: pod=%s err=%s", pod.key, error)

    def observe(self, result: str, profile: str, start: float) -> None:
        metrics.SCHEDULE_ATTEMPTS.labels(result, profile).inc()
        metrics.ATTEMPT_DURATION.labels(result, profile).observe(time.perf_counter() - start)

    def attempt(self, queued: QueuedPod, profile: Profile, start: float) -> Attempt:
        """For the journal, without its result."""
        return Attempt(
            pod=queued.pod.key,
            uid=queued.pod.uid,
            time=format_micro_time(self._parts.now()),
            attempt=queued.attempts,
            profile=profile.name,
            milliseconds=(time.perf_counter() - start) * 1000,
        )
