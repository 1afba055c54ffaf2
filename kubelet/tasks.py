"""Background tasks with an owner, and steps in them that are not broken off.

Started by key, cancelled by key, an unexpected end is logged and never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Hashable, Iterator
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class TaskSet(Generic[K]):
    """At most one task per key."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: dict[K, asyncio.Task[None]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._tasks

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._tasks))

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, key: K, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"{self._name}-{key}")
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))

    def cancel(self, key: K) -> None:
        """Forgets the task at once; it ends in its own time."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    def finished(self, key: K) -> None:
        """Said by the task itself as its last deed.

        From now on it hears no more, and another may be started.
        """
        self._tasks.pop(key, None)

    async def aclose(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: K, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled() and task.exception() is not None:
            log.error("Task failed: task=%s", task.get_name(), exc_info=task.exception())


async def uninterrupted(work: Awaitable[T]) -> T:
    """Lets a step finish even if who takes it is interrupted: the next look sees its result."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("An interrupted step failed: error=%s", error)
        raise
