"""Pod workers: what is broken off, and what is not."""

from __future__ import annotations

import asyncio

import pytest

from kubelet.pods.record import PodRecord
from kubelet.pods.workers import PodWorkers
from kubelet.runtime.interface import RuntimeUnavailable
from kubelet.tasks import uninterrupted
from tests.unit.kubelet.builders import make_pod

STEP_SECONDS = 5.0


class Syncs:
    """Each pass notes when it begins; the first takes a step that is not broken off."""

    def __init__(self) -> None:
        self.began: list[float] = []

    async def __call__(self, record: PodRecord) -> None:
        self.began.append(asyncio.get_running_loop().time())
        if len(self.began) == 1:
            await uninterrupted(asyncio.sleep(STEP_SECONDS))
            await asyncio.Event().wait()


@pytest.mark.looptime
@pytest.mark.parametrize("interrupts", [1, 2])
async def test_the_next_pass_begins_when_the_step_has_ended(interrupts: int) -> None:
    """Deleted, and deleted again with less time: else nobody would see what the step has made."""
    syncs = Syncs()
    workers = PodWorkers(syncs)
    record = PodRecord(make_pod(), first_seen=0.0)
    workers.add(record)
    for _ in range(interrupts):
        await asyncio.sleep(1.0)
        workers.interrupt(record.uid)
    await asyncio.sleep(STEP_SECONDS)
    await workers.aclose()
    assert [began - syncs.began[0] for began in syncs.began] == [0.0, STEP_SECONDS]


@pytest.mark.looptime
async def test_of_containers_that_stop_side_by_side_an_engine_that_is_away_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def sync(record: PodRecord) -> None:
        raise ExceptionGroup("unhandled errors in a TaskGroup", [RuntimeUnavailable("gone")])

    workers = PodWorkers(sync)
    workers.add(PodRecord(make_pod(), first_seen=0.0))
    await asyncio.sleep(0.1)
    await workers.aclose()
    assert [(each.levelname, each.exc_info) for each in caplog.records] == [("WARNING", None)]
    assert caplog.messages[0].endswith("error=gone")


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("asked", "period", "expected"),
    [(None, 60.0, 60.0), (None, 7.0, 7.0), (2.0, 7.0, 2.0), (30.0, 7.0, 7.0)],
    ids=["a minute", "the period", "sooner if asked to", "never later"],
)
async def test_a_pod_is_looked_at_though_nothing_happens(
    asked: float | None, period: float, expected: float
) -> None:
    looks: list[float] = []

    async def sync(record: PodRecord) -> float | None:
        looks.append(asyncio.get_running_loop().time())
        return asked

    workers = PodWorkers(sync, period)
    workers.add(PodRecord(make_pod(), first_seen=0.0))
    await asyncio.sleep(expected + 0.5)
    await workers.aclose()
    assert [each - looks[0] for each in looks] == [0.0, pytest.approx(expected)]
