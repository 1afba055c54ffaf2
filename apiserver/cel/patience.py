"""Evaluations for one object take up to seconds: a thread does those while others are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from math import inf
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

_COUNTER = ThreadPoolExecutor(1, "cel")
"""One thread: several would keep the loop from running as long as each other."""
_HASTE = 0.01
"""Seconds for which others may have to wait."""
_DEADLINE: ContextVar[float] = ContextVar("deadline", default=inf)


class TakesLong(Exception):
    """There is no time left here for what is evaluated."""


def take_time(seconds: float = inf) -> None:
    """What takes so long, for ever if it cannot tell, calls it first. Raises TakesLong."""
    if perf_counter() + seconds > _DEADLINE.get():
        raise TakesLong


async def patiently(work: Callable[[], T]) -> T:
    """What `work` gives or raises: here, or done anew in a thread if it takes long. It has no other effect.

    In the thread nothing takes too long; it sees the caller's context.
    """
    token = _DEADLINE.set(perf_counter() + _HASTE)
    try:
        return work()
    except TakesLong:
        pass
    finally:
        _DEADLINE.reset(token)
    return await asyncio.get_running_loop().run_in_executor(_COUNTER, copy_context().run, work)
