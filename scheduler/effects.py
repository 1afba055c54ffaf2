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
        self._long: asyncio.Queue[Effect] = asyncio.Queue()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many are asked for and not done."""
        return self._under_way

    def submit(self, key: str, effect: Effect) -> None:
        self._under_way += 1
        self._queues[hash(key) % len(self._queues)].put_nowait(effect)

    def start(self, effect: Effect) -> None:
        """For what may take minutes: it has a task of its own, and nothing waits behind it."""
        self._under_way += 1
        self._long.put_nowait(effect)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for queue in self._queues:
                group.create_task(self._work(queue))
            while True:
                effect = await self._long.get()
                group.create_task(self._perform(effect))

    async def _work(self, queue: asyncio.Queue[Effect]) -> None:
        while True:
            await self._perform(await queue.get())

    async def _perform(self, effect: Effect) -> None:
        try:
            await effect()
        except Exception:  # effects answer for their failures; one that doesn't must not end all
            log.exception("Effect failed")
        finally:
            self._under_way -= 1
