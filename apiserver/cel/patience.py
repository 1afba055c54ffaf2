"""Evaluations that count what they cost take up to seconds: a thread does them while others are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TypeVar

T = TypeVar("T")

_COUNTER = ThreadPoolExecutor(1, "cel")
"""One thread: several would keep the loop from running as long as each other."""
_IS_HASTY: ContextVar[bool] = ContextVar("is_hasty", default=False)


class TakesLong(Exception):
    """What is evaluated costs so much that it has to be counted, for which there is no time here."""


def take_time() -> None:
    """What may take long calls it first. Raises TakesLong on a loop."""
    if _IS_HASTY.get():
        raise TakesLong


async def patiently(work: Callable[[], T]) -> T:
    """What `work` gives or raises. It has no effect but that, since it may be begun twice: what it comes to
    take time for is done anew, in a thread, by itself in the context of the caller."""
    token = _IS_HASTY.set(True)
    try:
        return work()
    except TakesLong:
        pass
    finally:
        _IS_HASTY.reset(token)
    return await asyncio.get_running_loop().run_in_executor(_COUNTER, copy_context().run, work)
