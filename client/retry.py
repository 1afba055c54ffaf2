"""Reading, changing and writing again when somebody else was faster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from apimachinery.errors import ConflictError

T = TypeVar("T")

STEPS, SECONDS = 5, 0.01


async def retry_on_conflict(attempt: Callable[[], Awaitable[T]]) -> T:
    """Runs `attempt`, which must read the object anew each time; raises the fifth conflict."""
    for _ in range(STEPS - 1):
        try:
            return await attempt()
        except ConflictError:
            await asyncio.sleep(SECONDS)
    return await attempt()
