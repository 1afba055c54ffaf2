"""Mode `batch`: requests do not wait for their events; these go out together, soon.

Source: plugin/pkg/audit/buffered of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from apimachinery.objects import Object
from apiserver.audit.metrics import report_loss
from apiserver.audit.sink import Events, Sink
from component_base.token_bucket import TokenBucket

_PLUGIN = "buffered"


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """`max_wait` in seconds; `is_parallel`: a batch does not wait until the one before has been kept."""

    buffer_size: int
    max_size: int
    max_wait: float
    throttle: tuple[float, int] | None
    """(batches a second, burst)"""
    is_parallel: bool


class Buffered:
    def __init__(self, sink: Sink, config: BatchConfig) -> None:
        self._sink = sink
        self._config = config
        self._throttle = TokenBucket(*config.throttle) if config.throttle else None
        self._waiting: deque[Object] = deque()
        self._some, self._full = asyncio.Event(), asyncio.Event()
        self._sending: set[asyncio.Task[bool]] = set()
        self._is_closed = False

    async def process(self, events: Events) -> bool:
        """What finds no room is lost, and nobody's request fails for it."""
        room = 0 if self._is_closed else self._config.buffer_size - len(self._waiting)
        self._waiting.extend(events[:room])
        if self._waiting:
            self._some.set()
        if len(self._waiting) >= self._config.max_size:
            self._full.set()
        if lost := events[room:]:
            why = "audit backend shut down" if self._is_closed else "audit buffer queue blocked"
            report_loss(_PLUGIN, why, lost)
        return True

    async def run(self) -> None:
        while True:
            await self._gather()
            await self._send_batch()

    async def _gather(self) -> None:
        """Until there is a whole batch, or an event has waited long enough."""
        await self._some.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.max_wait):
                await self._full.wait()

    async def _send_batch(self) -> None:
        if self._throttle is not None:
            await self._throttle.take()
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._config.max_size))]
        if not self._waiting:
            self._some.clear()
        if len(self._waiting) < self._config.max_size:
            self._full.clear()
        task = asyncio.create_task(self._sink.process(batch))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        if not self._config.is_parallel:
            await asyncio.shield(task)

    async def aclose(self) -> None:
        self._is_closed = True
        while self._waiting:
            await self._send_batch()
        await asyncio.gather(*self._sending)
        await self._sink.aclose()
