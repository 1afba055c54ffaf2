"""Events that wait to be sent, in their order; where there are too many, those that come last are dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from client.errors import ConnectionFailed, is_namespace_terminating
from component_base import tracing
from component_base.backoff import exponential

log = logging.getLogger(__name__)

QUEUE_LENGTH = 1000
MAX_TRIES = 12
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 10.0


class Outbox:
    """`record` is given one Event after another; what it raises of StatusErrors costs that Event only."""

    def __init__(self, record: Callable[[Object], Awaitable[None]]) -> None:
        self._record = record
        self._queue: asyncio.Queue[tuple[Object, tracing.Trace | None]] = asyncio.Queue(QUEUE_LENGTH)
        self._last_number = 0
        self._dropped = 0
        """Since there was room last: where thousands come, a line for each would be as many."""

    def number(self, moment: datetime) -> int:
        """For an Event's name: the time in nanoseconds, a later one for another of that microsecond."""
        self._last_number = max(self._last_number + 1, int(moment.timestamp() * 1_000_000) * 1000)
        return self._last_number

    def put(self, event: Object) -> None:
        """To be sent under the trace that is under way."""
        try:
            self._queue.put_nowait((event, tracing.current()))
        except asyncio.QueueFull:
            if not self._dropped:
                log.warning("Dropping events, too many are waiting: reason=%s", event["reason"])
            self._dropped += 1

    async def run(self) -> None:
        """Sends what comes; never ends."""
        while True:
            event, trace = await self._queue.get()
            if self._dropped and self._queue.qsize() < QUEUE_LENGTH // 2:
                log.warning("Dropped events, too many were waiting: number=%d", self._dropped)
                self._dropped = 0
            try:
                with tracing.span(trace):
                    await self._record(event)
            except StatusError as error:
                level = logging.DEBUG if is_namespace_terminating(error) else logging.WARNING
                log.log(level, "Event refused: reason=%s error=%s", event["reason"], error)
            finally:
                self._queue.task_done()

    async def drain(self) -> None:
        """Waits until all that was put in so far is sent or dropped."""
        await self._queue.join()


async def insist(send: Callable[[], Awaitable[Object]], reason: str) -> Object | None:
    """What the server answers; None if it could not be reached for long."""
    for attempt in range(MAX_TRIES):
        try:
            return await send()
        except ConnectionFailed as error:
            log.info("Event not sent, will retry: reason=%s error=%s", reason, error)
            await asyncio.sleep(exponential(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, attempt))
    return None
