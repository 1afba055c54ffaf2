"""Nodes come and go, and with them their podCIDRs, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from apimachinery.objects import name_of
from apimachinery.scheme import NODES
from controller_manager.node_ipam import NodeIpamController
from controller_manager.options import Options
from tests.unit.controller_manager.cluster import Cluster, running

pytestmark = pytest.mark.looptime

TWO = replace(Options(), cluster_cidr="10.244.0.0/23")


class Nodes(Cluster):
    """A range for two nodes."""

    def __init__(self, options: Options = TWO) -> None:
        super().__init__([NodeIpamController], [NODES], options)

    async def add(self, name: str) -> None:
        await self.api.create(NODES, {"metadata": {"name": name}, "spec": {}})

    def cidrs(self) -> dict[str, str | None]:
        return {name_of(node): node["spec"].get("podCIDR") for node in self.api.find(NODES)}


@asynccontextmanager
async def two_nodes() -> AsyncIterator[Nodes]:
    it = Nodes()
    async with running(it):
        for name in ("a", "b"):
            await it.add(name)
        await it.until(lambda: all(it.cidrs().values()))
        yield it


async def test_who_comes_too_late_gets_what_another_leaves() -> None:
    async with two_nodes() as it:
        await it.add("c")
        await it.until(lambda: bool(it.events("CIDRNotAvailable")))
        left = it.cidrs()["a"]
        await it.api.delete(NODES, "a")
        await it.until(lambda: it.cidrs()["c"] == left, 60)
        assert it.events("CIDRNotAvailable") == ["Node c status is now: CIDRNotAvailable"]


async def test_a_node_that_goes_gives_back_what_it_was_seen_to_have() -> None:
    async with two_nodes() as it:
        with it.api.lose_events(NODES):
            await it.api.patch(NODES, "a", {"spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"]}})
        left = {"10.244.0.0/24", "10.244.1.0/24"} - {it.cidrs()["b"]}
        await it.api.delete(NODES, "a")
        await it.add("c")
        await it.until(lambda: {it.cidrs()["c"]} == left, 60)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        pytest.param("10.244.0.0/28", "10.244.1.0/24", id="a part of one"),
        pytest.param(" 10.244.0.0/25,fd00::/108", "10.244.1.0/24", id="the first of two families"),
        pytest.param("10.96.0.0/16", "10.244.0.0/24", id="elsewhere"),
        pytest.param("10.244/16", "10.244.0.0/24", id="not readable"),
    ],
)
async def test_no_node_gets_what_is_for_services(services: str, expected: str) -> None:
    it = Nodes(replace(TWO, service_cluster_ip_range=services))
    async with running(it):
        await it.add("a")
        await it.until(lambda: it.cidrs() == {"a": expected})
