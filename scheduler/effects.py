"""Effects: the scheduler's requests to the API, made in the background so that the next pod needn't wait.

Requests about one pod are made in the order they were asked for; those about different pods side by side.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Effect = Callable[[], Awaitable[None]]

WORKERS = 32


class Effects:
    """A few workers, each with its own queue; `key` (a pod's uid) says which."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._queues: list[asyncio.Queue[Effect]] = [asyncio.Queue() for _ in range(workers)]
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many are asked for and not done."""
        return self._under_way

    def submit(self, key: str, effect: Effect) -> None:
        self._under_way += 1
        self._queues[hash(key) % len(self._queues)].put_nowait(effect)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for queue in self._queues:
                group.create_task(self._work(queue))

    async def _work(self, queue: asyncio.Queue[Effect]) -> None:
        while True:
            effect = await queue.get()
            try:
                await effect()
            except Exception:  # effects answer for their failures; one that doesn't must not end all
                log.exception("Effect failed")
            finally:
                self._under_way -= 1
