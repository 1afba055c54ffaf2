"""Bounds the requests that are worked on at once, reads and writes apart; those beyond wait their turn.

Upstream's priority and fairness queues them as well; here there is one queue a kind, first come first
served, and the members of system:masters pass it.
"""

from __future__ import annotations

import asyncio
from collections import deque

from apimachinery.errors import TooManyRequestsError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.metrics import RequestMetrics

_READS = frozenset(("get", "list", "watch", "head", "options"))
_QUEUE_FACTOR = 20
"""How many may wait for each one that runs."""


class Lane:
    """So many at once, and a queue. `enter` and `leave` come in pairs."""

    def __init__(self, limit: int) -> None:
        self.running = 0
        self._limit = limit
        self._queue: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        if self._limit and (self.running >= self._limit or self._queue):
            await self._wait()
        else:
            self.running += 1

    async def _wait(self) -> None:
        """The one who leaves hands over the place: `running` stays as it is."""
        if len(self._queue) >= self._limit * _QUEUE_FACTOR:
            raise TooManyRequestsError("Too many requests, please try again later.")
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1


class MaxInFlight:
    """--max-requests-inflight and --max-mutating-requests-inflight; 0 is no limit."""

    def __init__(self, app: App, metrics: RequestMetrics, reads: int, writes: int) -> None:
        self._app = app
        self._reads = Lane(reads)
        self._writes = Lane(writes)
        metrics.lanes = {"mutating": self._writes, "readOnly": self._reads}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is None or is_long_running(info) or "system:masters" in info.user.groups:
            return await self._app(scope, receive, send)
        lane = self._reads if info.verb in _READS else self._writes
        await lane.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            lane.leave()
