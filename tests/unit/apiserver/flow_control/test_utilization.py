"""For how long which part of a priority level was taken."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.flow_control.levels import Levels
from apiserver.flow_control.metrics import FlowMetrics
from apiserver.flow_control.utilization import Utilization

SECOND = 10**9


def test_each_nanosecond_is_an_observation() -> None:
    utilization = Utilization()
    utilization.add({(2, 1, 4, 3): 1.5, (0, 0, 0, 0): 0.5}, 8, 100)
    for tally, part in (
        (utilization.executing, 2 / 8), (utilization.waiting, 1 / 100), (utilization.seats, 4 / 8),
        (utilization.demand, 7 / 8),
    ):  # fmt: skip
        assert tally.count == 2 * SECOND
        assert tally.total == pytest.approx(part * 1.5 * SECOND)
    assert utilization.seats.counts[0] == SECOND // 2, "when nothing was taken"


@pytest.mark.looptime
async def test_levels_tell_of_the_periods_that_have_ended() -> None:
    levels = Levels(100, asyncio.get_running_loop().time)
    await asyncio.sleep(10)
    levels.lend()
    samples = {
        (sample.name.removeprefix("apiserver_flowcontrol_"), *sample.labels.values()): sample.value
        for family in FlowMetrics(levels).collect()
        for sample in family.samples
    }
    level = "catch-all"
    assert samples["priority_level_seat_utilization_count", "executing", level] == 10 * SECOND
    assert samples["priority_level_request_utilization_count", "waiting", level] == 10 * SECOND
    assert samples["demand_seats_bucket", level, "0.2"] == 10 * SECOND
    assert samples["target_seats", level] == 100, "it lends nothing"
    assert samples["seat_fair_frac",] == 0, "there is nothing to share out"
    assert ("target_seats", "exempt") not in samples
