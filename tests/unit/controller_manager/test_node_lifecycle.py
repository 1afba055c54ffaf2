"""Nodes fall silent and come back, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, name_of
from apimachinery.scheme import EVENTS, LEASES, NODES
from apimachinery.times import format_micro_time, format_time
from controller_manager.node_lifecycle import NodeLifecycleController
from controller_manager.options import Options
from tests.unit.controller_manager.cluster import Cluster, running
from tests.unit.counting import Counting

pytestmark = pytest.mark.looptime
NAMES = ("a", "b", "c", "d")


class Nodes(Cluster):
    """Four nodes, of which those that are not silent renew their leases every second."""

    def __init__(self) -> None:
        super().__init__([NodeLifecycleController], [NODES, LEASES], Options())
        self.silent: set[str] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(super().run())
            group.create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            for name in set(NAMES) - self.silent:
                renewed = {"spec": {"renewTime": format_micro_time(self.api.now())}}
                await self.api.patch(LEASES, name, renewed, "kube-node-lease")
            await asyncio.sleep(1)

    def node(self, name: str) -> Object:
        return next(node for node in self.api.find(NODES) if name_of(node) == name)

    def is_emptied(self, name: str) -> bool:
        return any(taint["effect"] == "NoExecute" for taint in self.node(name)["spec"].get("taints") or ())

    def emptied(self) -> set[str]:
        return set(filter(self.is_emptied, NAMES))

    def says(self, name: str) -> str:
        return (condition_of(self.node(name), "Ready") or {}).get("status", "")

    async def come_back(self, name: str) -> None:
        """As a kubelet does: it renews its lease and says that it is ready."""
        self.silent.discard(name)
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": format_time(self.api.now())}
        await self.api.patch(NODES, name, {"status": {"conditions": [ready]}}, subresource="status")


ZONE_GAUGES = ("zone_size", "zone_health", "unhealthy_nodes_in_zone")


@asynccontextmanager
async def four_nodes() -> AsyncIterator[Nodes]:
    it = Nodes()
    for name in NAMES:
        await it.api.create(NODES, {"metadata": {"name": name}, "spec": {}})
        await it.api.create(LEASES, {"metadata": {"name": name}, "spec": {}}, "kube-node-lease")
        await it.come_back(name)
    async with running(it):
        await it.until(lambda: len(it.events("RegisteredNode")) == len(NAMES))
        yield it


async def test_silent_nodes_are_emptied_one_after_another() -> None:
    counting = Counting()
    async with four_nodes() as it:
        it.silent = {"a", "b"}
        await it.until(lambda: bool(it.emptied()) and {it.says("a"), it.says("b")} == {"Unknown"})
        first, began = it.emptied(), it.api.now()
        await it.until(lambda: it.emptied() == {"a", "b"})
        assert len(first) == 1
        assert (it.api.now() - began).total_seconds() >= 9
    assert counting.more("node_collector_evictions_total", zone="") == 2
    told = {name: REGISTRY.get_sample_value(f"node_collector_{name}", {"zone": ""}) for name in ZONE_GAUGES}
    assert told == {"zone_size": 4, "zone_health": 50, "unhealthy_nodes_in_zone": 2}


async def test_a_wall_clock_that_jumps_silences_nobody() -> None:
    async with four_nodes() as it:
        it.silent = set(NAMES)
        await asyncio.sleep(10)  # of the 40 s that they have
        it.api.ahead = timedelta(hours=1)
        await asyncio.sleep(10)
        assert {it.says(name) for name in NAMES} == {"True"}


async def test_nobody_is_emptied_when_nobody_is_heard() -> None:
    async with four_nodes() as it:
        it.silent = {"a"}
        await it.until(lambda: it.emptied() == {"a"})
        it.silent = set(NAMES)
        await it.until(lambda: all(it.says(name) == "Unknown" for name in NAMES) and not it.emptied(), 120)
        keys = [taint["key"] for taint in it.node("b")["spec"]["taints"]]
        assert keys == ["node.kubernetes.io/unreachable"], "no new pods go there"


async def test_who_is_heard_again_gives_others_time_to_be_heard() -> None:
    async with four_nodes() as it:
        it.silent = set(NAMES)
        await it.until(lambda: all(it.says(name) == "Unknown" for name in NAMES))
        await it.come_back("a")
        for name in ("b", "c", "d"):
            await it.come_back(name)
        await it.until(lambda: not any(it.node(name)["spec"].get("taints") for name in NAMES))
        assert it.emptied() == set()


async def test_a_controller_that_takes_over_leaves_silent_nodes_as_they_are() -> None:
    async with four_nodes() as it:
        it.silent = {"a"}
        await it.until(lambda: it.emptied() == {"a"})
        before = it.node("a")
        it.kill_manager()
        await asyncio.sleep(30)
        assert it.node("a") == before


async def test_a_node_that_goes_is_told() -> None:
    async with four_nodes() as it:
        await it.api.delete(NODES, "a")
        await it.until(lambda: it.events("RemovingNode") == ["Node a event: Removing Node a from Controller"])
        assert {event["involvedObject"]["kind"] for event in it.api.find(EVENTS)} == {"Node"}


async def test_news_of_a_node_that_are_on_their_way_are_not_overwritten() -> None:
    async with four_nodes() as it:
        it.silent = {"a"}
        await asyncio.sleep(5)
        with it.api.lose_events(NODES):
            await it.come_back("a")
            it.silent = {"a"}
            await asyncio.sleep(60)
            assert it.says("a") == "True"
        assert it.events("NodeNotReady") == []
