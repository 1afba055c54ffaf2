"""systemd's watchdog: a daemon that gives no sign of life in time is taken for dead, and started anew.

It gives one as long as it passes the checks of /healthz.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/kubelet/watchdog/watchdog_linux.go
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from apimachinery.durations import format_duration
from component_base.health_checks import Check, problem_of

log = logging.getLogger(__name__)

_LEAST_SECONDS = 1.0
_WELL = "WATCHDOG=1"


class WatchdogError(Exception):
    """What systemd asks for cannot be kept."""


def period_of(environment: Mapping[str, str], pid: int) -> float | None:
    """Seconds between two signs of life: half of what is allowed. None where nobody waits for them.

    Raises WatchdogError.
    """
    allowed = environment.get("WATCHDOG_USEC", "")
    if not allowed.isdigit() or environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    seconds = int(allowed) / 1e6
    if seconds <= _LEAST_SECONDS:
        raise WatchdogError(f"configure watchdog timeout too small: {format_duration(seconds)}")
    return seconds / 2


@asynccontextmanager
async def watched(
    period: float | None, tell: Callable[[str], None], checks: Mapping[str, Check]
) -> AsyncIterator[None]:
    """Meanwhile signs of life are given: from the event loop, which has to come round for that.

    None while one of the checks fails; there may be more of them later on.
    """
    if period is None:
        yield
        return
    telling = asyncio.create_task(_keep_telling(period, tell, checks))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _keep_telling(period: float, tell: Callable[[str], None], checks: Mapping[str, Check]) -> None:
    while True:
        if problem := await _first_problem(checks):
            log.error("Not notifying the watchdog: the daemon is not healthy: %s", problem)
        else:
            tell(_WELL)
        await asyncio.sleep(period)


async def _first_problem(checks: Mapping[str, Check]) -> str:
    for name, check in list(checks.items()):
        try:
            problem = await problem_of(check)
        except Exception as error:  # what a check stumbles over is a problem, too
            problem = repr(error)
        if problem:
            return f"checker {name} failed: {problem}"
    return ""
