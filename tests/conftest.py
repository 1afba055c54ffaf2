"""What every test needs."""

from __future__ import annotations

import asyncio


def pytest_configure() -> None:
    """Without a set loop asyncio would make one for pytest-asyncio to put aside, and nobody would close it."""
    asyncio.set_event_loop(None)
