"""Pods that have a node and wait for leave to be bound: what `permit` of a plugin asked for.

A plugin allows or rejects them, whenever it learns that it's time; who isn't allowed in time is rejected.
Source: pkg/scheduler/framework/runtime/waiting_pods_map.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from apimachinery.durations import format_duration
from scheduler.framework.interface import Verdict
from scheduler.pod_info import PodInfo

MAX_SECONDS = 15 * 60.0


class WaitingPod:
    def __init__(self, pod: PodInfo, seconds: Mapping[str, float]) -> None:
        """`seconds`: plugin -> how long the pod waits for it at most."""
        self.pod = pod
        loop = asyncio.get_running_loop()
        self._decided: asyncio.Future[Verdict | None] = loop.create_future()
        self._timers = {
            plugin: loop.call_later(limit, self.reject, plugin, _too_late(plugin, limit))
            for plugin, limit in ((plugin, min(each, MAX_SECONDS)) for plugin, each in seconds.items())
        }

    @property
    def pending(self) -> list[str]:
        """The plugins that have not allowed it yet."""
        return list(self._timers)

    def allow(self, plugin: str) -> None:
        """The last one to allow it lets it go."""
        timer = self._timers.pop(plugin, None)
        if timer is not None:
            timer.cancel()
        if not self._timers:
            self._decide(None)

    def reject(self, plugin: str, message: str) -> None:
        self._decide(Verdict(plugin, (message,)))

    def _decide(self, verdict: Verdict | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if not self._decided.done():
            self._decided.set_result(verdict)

    async def decided(self) -> Verdict | None:
        """The no of a plugin, or None once all have allowed it."""
        return await self._decided


def _too_late(plugin: str, seconds: float) -> str:
    return f"rejected due to timeout after waiting {format_duration(seconds)} at plugin {plugin}"


class WaitingPods:
    """By uid. Iterating gives all of them."""

    def __init__(self) -> None:
        self._by_uid: dict[str, WaitingPod] = {}

    def __iter__(self) -> Iterator[WaitingPod]:
        return iter(list(self._by_uid.values()))

    def get(self, uid: str) -> WaitingPod | None:
        return self._by_uid.get(uid)

    def add(self, pod: PodInfo, seconds: Mapping[str, float]) -> WaitingPod:
        waiting = self._by_uid[pod.uid] = WaitingPod(pod, seconds)
        return waiting

    def remove(self, uid: str) -> None:
        self._by_uid.pop(uid, None)

    def reject(self, uid: str, plugin: str, message: str) -> bool:
        """Whether such a pod waits."""
        waiting = self._by_uid.get(uid)
        if waiting is not None:
            waiting.reject(plugin, message)
        return waiting is not None
