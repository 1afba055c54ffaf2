"""A look at the node as a whole: who goes, and what is reclaimed before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apimachinery.objects import Object, uid_of
from kubelet.eviction.manager import EvictionManager, EvictionPolicy
from kubelet.eviction.thresholds import Observation, Threshold
from kubelet.pods.status import Verdict
from kubelet.stats.pods import PodStats
from tests.unit.kubelet.builders import make_pod
from tests.unit.kubelet.evictions import DISK, EMPTY_DIR, GI, HARD, MI, SOFT, pod, seen, uses
from tests.unit.kubelet.world import Events


@dataclass
class Kubelet:
    pods: list[Object]
    evicted: dict[str, tuple[Verdict, float]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)

    def active_pods(self) -> list[Object]:
        return [each for each in self.pods if uid_of(each) not in self.evicted]

    def is_stopped(self, uid: str) -> bool:
        return uid in self.stopped

    def end(self, pod: Object, verdict: Verdict, grace: float) -> None:
        self.evicted[uid_of(pod)] = verdict, grace


@dataclass
class Node:
    """What is observed, used and reclaimed, as a test says."""

    kubelet: Kubelet
    thresholds: tuple[Threshold, ...] = (HARD, SOFT, DISK)
    observed: Mapping[str, Observation] = field(default_factory=seen)
    used: dict[str, PodStats] = field(default_factory=dict)
    reclaims_to: Mapping[str, Observation] | None = None
    time: float = 0.0
    images_apart: bool = False
    limits_storage: bool = True

    def __post_init__(self) -> None:
        self.events = Events()
        self.manager = EvictionManager(
            EvictionPolicy(self.thresholds, maximum_grace=20.0, limits_storage=self.limits_storage),
            node="n1",
            observe=self._observe,
            images_apart=lambda: self.images_apart,
            stats=self,  # type: ignore[arg-type]
            reclaimer=self,
            recorder=self.events,
            clock=lambda: self.time,
        )

    async def _observe(self) -> Mapping[str, Observation]:
        return self.observed

    async def stats(self, pods: list[Object], *, max_age: float = 60.0) -> dict[str, PodStats]:
        return {uid_of(each): self.used.get(uid_of(each), PodStats()) for each in pods}

    async def usage(self, pods: list[Object]) -> dict[str, PodStats]:
        return await self.stats(pods)

    async def reclaim(self) -> None:
        self.observed = self.reclaims_to or self.observed

    async def look(self, *, seconds: float = 10.0) -> set[str]:
        await self.manager.look(self.kubelet)
        self.time += seconds
        return set(self.kubelet.evicted)


async def test_under_pressure_one_pod_goes_at_a_time() -> None:
    node = Node(Kubelet([pod("a"), pod("b"), pod("c", 2_000_000_000)]), observed=seen(memory=MI))
    node.used = {"a": uses(10), "b": uses(20), "c": uses(30)}
    assert await node.look() == {"b"}
    assert node.manager.conditions() == {"MemoryPressure"}
    assert await node.look() == {"b"}
    node.kubelet.stopped = {"b"}
    assert await node.look() == {"a", "b"}
    node.kubelet.stopped = {"a", "b"}
    assert await node.look() == {"a", "b"}
    verdict, grace = node.kubelet.evicted["b"]
    assert (verdict.reason, verdict.disruption, grace) == ("Evicted", verdict.message, 1.0)
    assert "EvictionThresholdMet: Attempting to reclaim memory" in node.events.seen
    assert f"Evicted: {verdict.message}" in node.events.seen


async def test_a_soft_threshold_leaves_time() -> None:
    node = Node(Kubelet([pod("a")]), thresholds=(SOFT,), observed=seen(memory=GI // 2))
    assert await node.look(seconds=60.0) == set()
    assert await node.look() == {"a"}
    assert node.kubelet.evicted["a"][1] == 20.0


async def test_disk_is_reclaimed_before_a_pod_goes() -> None:
    node = Node(Kubelet([pod("a")]), observed=seen(disk=GI), reclaims_to=seen(disk=20 * GI))
    assert await node.look() == set()
    assert node.manager.conditions() == {"DiskPressure"}
    node.observed, node.reclaims_to = seen(disk=GI), None
    assert await node.look() == {"a"}


async def test_relief_that_leaves_another_threshold_met_is_none() -> None:
    both = seen(disk=20 * GI, memory=MI)
    node = Node(Kubelet([pod("a")]), observed=seen(disk=GI), reclaims_to=both)
    assert await node.look() == {"a"}


async def test_images_on_another_disk_are_no_relief() -> None:
    relief = seen(disk=20 * GI)
    node = Node(Kubelet([pod("a")]), observed=seen(disk=GI), reclaims_to=relief, images_apart=True)
    assert await node.look() == {"a"}


async def test_a_pod_over_its_own_limit_goes_without_any_pressure() -> None:
    node = Node(Kubelet([make_pod(meta={"name": "a", "uid": "a"}, **EMPTY_DIR)]), used={"a": uses(v=2 * MI)})
    assert await node.look() == {"a"}
    assert not node.kubelet.evicted["a"][0].disruption
    assert node.manager.conditions() == set()
    unlimited = Node(Kubelet(node.kubelet.pods), used=node.used, limits_storage=False)
    assert await unlimited.look() == set()
