"""Several coroutines side by side: the first to end ends all, the first to fail says why."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all until one ends, then cancels the others. What failed first is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def first_error(error: Exception) -> Exception:
    """Of a TaskGroup's errors the first one says enough."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
