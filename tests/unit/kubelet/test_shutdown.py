"""Graceful node shutdown: periods, groups, the order of things, and logind's signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from apimachinery.objects import Object, name_of
from kubelet.configuration import merge
from kubelet.events import NoEvents, Recorder
from kubelet.metrics import SHUTDOWN_END, SHUTDOWN_START
from kubelet.options import Options
from kubelet.pods.status import Verdict
from kubelet.shutdown.logind import parse_signal
from kubelet.shutdown.manager import TERMINATED, NodeShutdown
from kubelet.shutdown.plan import Period, periods_of, shutdown_groups
from kubelet.shutdown.record import FILE, ShutdownRecord
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


PERIODS = (Period(0, 20.0), Period(CRITICAL, 10.0))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def graceful(
    machine: Machine, folder: Path, recorder: Recorder | None = None, periods: tuple[Period, ...] = PERIODS
) -> NodeShutdown:
    record = ShutdownRecord(folder, lambda: NOW)
    return NodeShutdown(periods, machine, record, recorder or NoEvents(), node="n1")


def told(what: str) -> float | None:
    return REGISTRY.get_sample_value(f"kubelet_graceful_shutdown_{what}_time_seconds")


def test_a_shutdown_is_remembered_when_the_machine_is_up_again(tmp_path: Path) -> None:
    times = iter([NOW, NOW + timedelta(seconds=30)])
    record = ShutdownRecord(tmp_path, lambda: next(times))
    record.load()
    record.begin()
    assert (told("start"), told("end")) == (NOW.timestamp(), 0)
    record.end()
    assert (tmp_path / FILE).read_text() == (
        '{"startTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T00:00:30Z"}'
    )
    SHUTDOWN_START.set(0)
    ShutdownRecord(tmp_path, lambda: NOW).load()
    assert (told("start"), told("end")) == (NOW.timestamp(), NOW.timestamp() + 30)


def test_a_shutdown_that_was_cut_off_has_no_end(tmp_path: Path) -> None:
    ShutdownRecord(tmp_path, lambda: NOW).begin()
    SHUTDOWN_END.set(1)
    ShutdownRecord(tmp_path, lambda: NOW).load()
    assert told("end") == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"startTime": 5, "endTime": null}'])
def test_a_record_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    SHUTDOWN_END.set(1)
    ShutdownRecord(tmp_path, lambda: NOW).load()
    assert (told("start"), told("end")) == (0, 0)


@pytest.mark.looptime
async def test_pods_end_before_the_machine_does(tmp_path: Path) -> None:
    machine = Machine()
    async with living() as world:
        shutdown = graceful(machine, tmp_path, world.events)
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
        assert [each for each in world.events.seen if "NodeShutdown" in each] == [
            "NodeShutdown: Shutdown manager detected shutdown event",
            "NodeShutdown: Shutdown manager detected shutdown cancellation",
        ]
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
async def test_nobody_waits_longer_than_the_period(tmp_path: Path) -> None:
    machine, slow = Machine(), Slow()
    shutdown = graceful(machine, tmp_path)
    task = asyncio.create_task(shutdown.run(slow, machine.report))
    machine.begins.put_nowait(True)
    await asyncio.sleep(31)
    assert slow.ended == [("none", 20.0, 0.0), ("critical", 10.0, 20.0)]
    assert machine.deeds[-1] == "released"
    task.cancel()


async def test_a_node_that_waits_for_nobody_asks_nobody(tmp_path: Path) -> None:
    machine = Machine()
    await graceful(machine, tmp_path, periods=()).run(Slow(), machine.report)
    assert machine.deeds == []
