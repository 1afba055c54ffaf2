"""Serves so many requests at once and refuses more with 429, where priority and fairness are switched off.

Source: pkg/server/filters/maxinflight.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.authorizer import MASTERS
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.metrics import RequestMetrics
from apiserver.request import RequestInfo
from apiserver.responses import send_text

READS = frozenset(("get", "list", "watch"))
_REFUSAL = "Too many requests, please try again later.\n"
_RETRY_SECONDS = 1


class InFlight:
    """How many requests of a kind are served, and may be at most: 0 is any number."""

    def __init__(self, limit: int = 0) -> None:
        self.running = self.queued = 0
        self._limit = limit

    @property
    def is_full(self) -> bool:
        return 0 < self._limit <= self.running

    @contextmanager
    def queueing(self) -> Iterator[None]:
        """While a request waits for its turn."""
        self.queued += 1
        try:
            yield
        finally:
            self.queued -= 1


class MaxInFlight:
    """Requests that last do not count. Administrators are never refused, and take nobody's place."""

    def __init__(self, app: App, metrics: RequestMetrics, reads: int, writes: int) -> None:
        self._app = app
        self._reads, self._writes = InFlight(reads), InFlight(writes)
        metrics.lanes = {"mutating": self._writes, "readOnly": self._reads}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info: RequestInfo | None = scope.get(KEY)
        if info is None or is_long_running(info):
            return await self._app(scope, receive, send)
        lane = self._reads if info.verb in READS else self._writes
        if lane.is_full:
            if MASTERS in info.user.groups:
                return await self._app(scope, receive, send)
            info.was_terminated = True
            return await refuse(send, _RETRY_SECONDS)
        lane.running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            lane.running -= 1


async def refuse(send: Send, seconds: int) -> None:
    """Tells the client to try again after so many seconds."""
    await send_text(send, 429, _REFUSAL, [(b"retry-after", b"%d" % seconds)])
