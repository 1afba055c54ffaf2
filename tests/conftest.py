"""For all tests."""

from __future__ import annotations

import asyncio

import pytest

EMPTY_ROUNDS = 2
"""Of the loop, before virtual time moves on. Where nobody waits for a socket nothing can come of them, and
looptime's own 42 take more time than the tests."""


def pytest_sessionstart() -> None:
    """looptime asks sync tests for their loop; asyncio would make one and leak it, unless there is none."""
    asyncio.set_event_loop(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("looptime"):
            item.add_marker(pytest.mark.looptime(noop_cycles=EMPTY_ROUNDS), append=False)
