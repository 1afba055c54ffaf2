"""Signs of life for systemd."""

from __future__ import annotations

import asyncio

import pytest

from component_base.health_checks import Check, ping
from component_base.watchdog import WatchdogError, period_of, watched


@pytest.mark.parametrize(
    ("environment", "period"),
    [
        pytest.param({}, None, id="nobody waits"),
        pytest.param({"WATCHDOG_USEC": "30000000"}, 15.0, id="half of what is allowed"),
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0, id="of this process"),
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None, id="of another"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="no number"),
    ],
)
def test_how_often_systemd_wants_to_be_told(environment: dict[str, str], period: float | None) -> None:
    assert period_of(environment, 7) == period


def test_less_than_a_second_cannot_be_kept() -> None:
    with pytest.raises(WatchdogError, match=r"configure watchdog timeout too small: 500ms"):
        period_of({"WATCHDOG_USEC": "500000"}, 7)


@pytest.mark.looptime
@pytest.mark.parametrize(("period", "count"), [(10.0, 4), (None, 0)])
async def test_signs_of_life_are_given_as_long_as_it_lives(period: float | None, count: int) -> None:
    told: list[str] = []
    async with watched(period, told.append, {"fine": ping}):
        await asyncio.sleep(35)
    assert told == ["WATCHDOG=1"] * count
    await asyncio.sleep(60)
    assert len(told) == count


@pytest.mark.looptime
async def test_no_sign_of_life_is_given_while_a_check_fails() -> None:
    told: list[float] = []
    loop, checks = asyncio.get_running_loop(), dict[str, Check]()
    async with watched(10.0, lambda sign: told.append(loop.time()), checks):
        await asyncio.sleep(5)
        checks["syncloop"] = lambda: "took too long" if loop.time() < 25 else ""
        await asyncio.sleep(40)
    assert told == [0, 30, 40]


@pytest.mark.looptime
async def test_a_check_that_stumbles_has_found_a_problem() -> None:
    told: list[float] = []
    loop = asyncio.get_running_loop()

    def stumbling() -> str:
        if loop.time() < 15:
            raise OSError("too many open files")
        return ""

    async with watched(10.0, lambda sign: told.append(loop.time()), {"syncloop": stumbling}):
        await asyncio.sleep(35)
    assert told == [20, 30]
