"""Graceful node shutdown: periods, groups, the order of things, and logind's signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from apimachinery.objects import Object, name_of
from kubelet.configuration import merge
from kubelet.options import Options
from kubelet.pods.status import Verdict
from kubelet.shutdown.logind import parse_signal
from kubelet.shutdown.manager import TERMINATED, NodeShutdown
from kubelet.shutdown.plan import Period, periods_of, shutdown_groups
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.world import living

CRITICAL = 2_000_000_000


@pytest.mark.parametrize(
    ("settings", "periods"),
    [
        ({}, ()),
        (
            {"shutdownGracePeriod": "30s", "shutdownGracePeriodCriticalPods": "10s"},
            (Period(0, 20.0), Period(CRITICAL, 10.0)),
        ),
        (
            {
                "shutdownGracePeriodByPodPriority": [
                    {"priority": 1000, "shutdownGracePeriodSeconds": 5},
                    {"priority": 0, "shutdownGracePeriodSeconds": 15},
                ]
            },
            (Period(0, 15.0), Period(1000, 5.0)),
        ),
    ],
    ids=["off", "two-periods", "by-priority"],
)
def test_periods(settings: dict[str, Any], periods: tuple[Period, ...]) -> None:
    assert periods_of(merge(settings, Options())) == periods


def pod(name: str, priority: int) -> Object:
    return make_pod(meta={"name": name}, priority=priority)


def test_important_pods_go_last() -> None:
    pods = [pod("critical", CRITICAL), pod("high", 1500), pod("none", 0), pod("low", -5)]
    periods = (Period(0, 15.0), Period(1000, 5.0))
    found = [
        (group.seconds, [name_of(each) for each in group.pods]) for group in shutdown_groups(pods, periods)
    ]
    assert found == [(15.0, ["none", "low"]), (5.0, ["critical", "high"])]


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (b'{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}', True),
        (b'{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[false]}}', False),
        (b'{"type":"signal","member":"NameAcquired","payload":{"type":"s","data":[":1.5"]}}', None),
    ],
    ids=["begins", "is-called-off", "other"],
)
def test_signals_of_logind(line: bytes, begins: bool | None) -> None:
    assert parse_signal(line) is begins


class Machine:
    """Begins to shut down when told; remembers what the node did."""

    def __init__(self) -> None:
        self.begins: asyncio.Queue[bool] = asyncio.Queue()
        self.deeds: list[str] = []

    async def inhibit(self, seconds: float) -> None:
        self.deeds.append(f"inhibited {seconds:g}")

    async def release(self) -> None:
        self.deeds.append("released")

    async def shutdowns(self) -> AsyncGenerator[bool, None]:
        while True:
            yield await self.begins.get()

    async def report(self) -> None:
        self.deeds.append("reported")


@pytest.mark.looptime
async def test_pods_end_before_the_machine_does() -> None:
    machine = Machine()
    shutdown = NodeShutdown((Period(0, 20.0), Period(CRITICAL, 10.0)), machine)
    async with living() as world:
        world.api.put(make_pod(make_container(command=["sh", "-c", "sleep 100000"])))
        await world.until_ready()
        task = asyncio.create_task(shutdown.run(world.assembly.kubelet, machine.report))
        machine.begins.put_nowait(True)
        await world.until(lambda: world.pod()["status"].get("phase") == "Failed")
        assert world.pod()["status"]["reason"] == "Terminated"
        assert shutdown.is_shutting_down()
        await asyncio.sleep(1)
        assert machine.deeds == ["inhibited 30", "reported", "released"]
        machine.begins.put_nowait(False)
        await asyncio.sleep(1)
        assert not shutdown.is_shutting_down()
        assert machine.deeds[-1] == "inhibited 30"
        task.cancel()


class Slow:
    """Pods that do not stop."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, float, float]] = []

    def active_pods(self) -> list[Object]:
        return [pod("critical", CRITICAL), pod("none", 0)]

    def end(self, pod: Object, verdict: Verdict, grace: float) -> None:
        assert verdict == TERMINATED
        self.ended.append((name_of(pod), grace, asyncio.get_running_loop().time()))

    async def wait_stopped(self, uid: str) -> None:
        await asyncio.Event().wait()


@pytest.mark.looptime
async def test_nobody_waits_longer_than_the_period() -> None:
    machine, slow = Machine(), Slow()
    shutdown = NodeShutdown((Period(0, 20.0), Period(CRITICAL, 10.0)), machine)
    task = asyncio.create_task(shutdown.run(slow, machine.report))
    machine.begins.put_nowait(True)
    await asyncio.sleep(31)
    assert slow.ended == [("none", 20.0, 0.0), ("critical", 10.0, 20.0)]
    assert machine.deeds[-1] == "released"
    task.cancel()


async def test_a_node_that_waits_for_nobody_asks_nobody() -> None:
    machine = Machine()
    await NodeShutdown((), machine).run(Slow(), machine.report)
    assert machine.deeds == []
