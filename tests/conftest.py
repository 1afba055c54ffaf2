"""For all tests."""

from __future__ import annotations

import asyncio


def pytest_sessionstart() -> None:
    """looptime asks sync tests for their loop; asyncio would make one and leak it, unless there is none."""
    asyncio.set_event_loop(None)
