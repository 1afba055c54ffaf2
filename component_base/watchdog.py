"""systemd's watchdog: who does not say in time that it is well is taken for dead, and started anew.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/kubelet/watchdog/watchdog_linux.go
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from apimachinery.durations import format_duration

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
async def watched(period: float | None, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Meanwhile signs of life are given: from the event loop, which has to come round for that."""
    if period is None:
        yield
        return
    telling = asyncio.create_task(_keep_telling(period, tell))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _keep_telling(period: float, tell: Callable[[str], None]) -> None:
    while True:
        tell(_WELL)
        await asyncio.sleep(period)
