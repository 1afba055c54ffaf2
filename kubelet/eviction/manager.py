"""Looks at the node every ten seconds; under pressure it reclaims what no pod needs, then evicts one pod."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apimachinery.durations import parse_duration
from apimachinery.objects import Object, uid_of
from client.events import WARNING
from kubelet.events import Recorder
from kubelet.eviction.limits import exceeded_limit, has_limit
from kubelet.eviction.pressure import Observations, Pressure, next_pressure, thresholds_met
from kubelet.eviction.ranking import eviction_blame, rank
from kubelet.eviction.thresholds import ON_IMAGEFS, Threshold, parse_thresholds
from kubelet.metrics import EVICTION_STATS_AGE, EVICTIONS
from kubelet.pods.critical import is_critical
from kubelet.pods.status import Verdict
from kubelet.references import node_reference, pod_full_name, pod_reference
from kubelet.runtime.interface import ContainerRuntimeError
from kubelet.stats.pods import PodStatsProvider

log = logging.getLogger(__name__)

PERIOD = 10.0
IMMEDIATELY = 1.0
CLEANUP_SECONDS = 30.0
"""So long the next pod waits for what an evicted one sets free."""

Observe = Callable[[], Awaitable[Observations]]


class Pods(Protocol):
    """The kubelet, as eviction sees it."""

    def active_pods(self) -> list[Object]:
        """Those that run or are about to, with their latest status."""

    def is_stopped(self, uid: str) -> bool: ...
    def end(self, pod: Object, verdict: Verdict, grace: float) -> None: ...


class Reclaimer(Protocol):
    """Frees disk that no running pod needs."""

    async def reclaim(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EvictionPolicy:
    """Times are seconds."""

    thresholds: Sequence[Threshold]
    transition: float = 300.0
    """How long a pressure is still told of after it was last seen."""
    maximum_grace: float = 0.0
    """Of soft evictions."""
    limits_storage: bool = True
    """Whether pods go that take more of the disk than they may."""


def policy_of(configuration: dict[str, Any]) -> EvictionPolicy:
    """Raises ThresholdError."""
    return EvictionPolicy(
        parse_thresholds(configuration),
        parse_duration(configuration["evictionPressureTransitionPeriod"]),
        float(configuration["evictionMaxPodGracePeriod"]),
        configuration["localStorageCapacityIsolation"],
    )


class EvictionManager:
    def __init__(
        self,
        policy: EvictionPolicy,
        *,
        node: str,
        observe: Observe,
        images_apart: Callable[[], bool] = bool,
        stats: PodStatsProvider,
        reclaimer: Reclaimer,
        recorder: Recorder,
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._node = node
        self._observe = observe
        self._images_apart = images_apart
        self._stats = stats
        self._reclaimer = reclaimer
        self._recorder = recorder
        self._clock = clock
        self._pressure = Pressure()
        self._observed_at = 0.0
        self._leaving: tuple[str, float] | None = None

    def conditions(self) -> Collection[str]:
        """MemoryPressure, DiskPressure and PIDPressure, as far as they are true."""
        return self._pressure.conditions

    async def run(self, pods: Pods) -> None:
        """Never ends."""
        while True:
            try:
                await self.look(pods)
            except ContainerRuntimeError as error:
                log.warning("Eviction could not look at the node: error=%s", error)
            await asyncio.sleep(PERIOD)

    async def look(self, pods: Pods) -> None:
        """One pass: at most one pod goes for a threshold, and each that exceeds a limit of its own."""
        seen, self._observed_at = await self._observe(), self._clock()
        self._pressure = next_pressure(
            self._pressure, self._policy.thresholds, seen, self._clock(), self._policy.transition
        )
        if self._policy.limits_storage and await self._evict_over_limit(pods):
            return
        if self._pressure.due and not self._is_waiting(pods):
            await self._relieve(pods, self._pressure.due[0], seen)

    async def _evict_over_limit(self, pods: Pods) -> bool:
        limited = [pod for pod in pods.active_pods() if has_limit(pod)]
        stats = await self._stats.stats(limited, max_age=0.0) if limited else {}
        apart = self._images_apart()
        evicted = False
        for pod in limited:
            found = exceeded_limit(pod, stats[uid_of(pod)], images_apart=apart)
            if found and self._evict(pods, pod, Verdict("Evicted", found.message), IMMEDIATELY):
                EVICTIONS.labels(found.signal).inc()
                evicted = True
        return evicted

    def _is_waiting(self, pods: Pods) -> bool:
        """For a pod that was evicted to be gone."""
        if self._leaving is None:
            return False
        uid, until = self._leaving
        return self._clock() < until and not pods.is_stopped(uid)

    async def _relieve(self, pods: Pods, threshold: Threshold, seen: Observations) -> None:
        resource = threshold.resource
        log.warning("Attempting to reclaim: node=%s resource=%s", self._node, resource)
        self._recorder.event(
            node_reference(self._node), WARNING, "EvictionThresholdMet", f"Attempting to reclaim {resource}"
        )
        if self._can_reclaim(threshold) and await self._is_reclaimed():
            return
        active = pods.active_pods()
        measure = self._stats.stats if threshold.condition == "DiskPressure" else self._stats.usage
        stats = await measure(active)
        grace = IMMEDIATELY if threshold.is_hard else self._policy.maximum_grace
        for each in self._pressure.due:
            EVICTION_STATS_AGE.labels(each.signal).observe(self._clock() - self._observed_at)
        for pod in rank(active, stats, threshold, images_apart=self._images_apart()):
            blame = eviction_blame(pod, stats.get(uid_of(pod)), threshold, seen)
            verdict = Verdict("Evicted", blame.message, disruption=blame.message)
            if self._evict(pods, pod, verdict, grace, blame.annotations):
                EVICTIONS.labels(threshold.signal).inc()
                return
        log.error("Eviction: unable to evict any pods from the node: node=%s", self._node)

    def _can_reclaim(self, threshold: Threshold) -> bool:
        """Dead containers and images: they are no relief to a file system that they are not on."""
        on_it = threshold.signal in ON_IMAGEFS or not self._images_apart()
        return threshold.condition == "DiskPressure" and on_it

    async def _is_reclaimed(self) -> bool:
        await self._reclaimer.reclaim()
        return not thresholds_met(self._policy.thresholds, await self._observe(), with_reclaim=True)

    def _evict(
        self,
        pods: Pods,
        pod: Object,
        verdict: Verdict,
        grace: float,
        annotations: Mapping[str, str] | None = None,
    ) -> bool:
        if is_critical(pod):
            log.error("Cannot evict a critical pod: pod=%s", pod_full_name(pod))
            return False
        log.info("Evicting pod: pod=%s message=%s", pod_full_name(pod), verdict.message)
        reference = pod_reference(pod)
        self._recorder.event(reference, WARNING, verdict.reason, verdict.message, annotations)
        pods.end(pod, verdict, grace)
        self._leaving = uid_of(pod), self._clock() + CLEANUP_SECONDS
        return True
