"""How an apiserver goes: it says that it is not ready, takes no more requests, and ends those it has.

Source: pkg/server/genericapiserver.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

log = logging.getLogger(__name__)


class Shutdown:
    """`begin`, then `drain`. Requests that are meant to last are not waited for."""

    def __init__(self) -> None:
        self.has_begun = False
        self.refuses = False
        """Whether requests that still come are sent away."""
        self._in_flight = 0
        self._idle: asyncio.Future[None] | None = None

    def enter(self) -> None:
        """A request has begun that is waited for: it will `leave`."""
        self._in_flight += 1

    def leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def begin(self, delay: float) -> None:
        """From now on /readyz fails; whoever balances load has `delay` seconds to notice."""
        self.has_begun = True
        log.info("Shutting down: delay=%gs", delay)
        await asyncio.sleep(delay)

    async def drain(self, patience: float) -> None:
        """Until the requests under way have been answered, `patience` seconds at most."""
        if not self._in_flight:
            return
        self._idle = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle

    async def check(self) -> str:
        return "process is shutting down" if self.has_begun else ""
