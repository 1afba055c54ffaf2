"""YAML takes a hundred times as long to read as JSON: a thread reads much of it while others are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

LARGE_YAML = 32 * 1024
"""Bytes."""
_READER = ThreadPoolExecutor(1, "yaml")
"""One thread: several would keep the loop from running as long as each other."""


async def reading(read: Callable[[bytes], T], text: bytes) -> T:
    """What `read` gives or raises."""
    if len(text) <= LARGE_YAML:
        return read(text)
    return await asyncio.get_running_loop().run_in_executor(_READER, read, text)
