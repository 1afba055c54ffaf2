"""Looks that may take for ever, as those at a file system whose server is gone."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")

STATFS_SECONDS = 2.0
"""As cAdvisor waits for the kernel's answer (getVfsStats)."""


class PatientLook(Generic[Seen]):
    """One look at a time, in a thread of its own: one that hangs takes no threads from other work."""

    def __init__(self, look: Callable[[], Seen], nothing: Seen, seconds: float = STATFS_SECONDS) -> None:
        """`look` blocks; `nothing` is told until one has come to its end."""
        self._look = look
        self._last = nothing
        self.seconds = seconds
        self._running: asyncio.Future[Seen] | None = None

    async def __call__(self) -> Seen:
        """What is seen now; after so many seconds, what was seen last. Raises what the look raises."""
        if self._running is None or self._running.done():
            self._running = _in_thread(self._look)
            self._running.add_done_callback(self._keep)
        await asyncio.wait([self._running], timeout=self.seconds)
        return self._running.result() if self._running.done() else self._last

    def _keep(self, running: asyncio.Future[Seen]) -> None:
        if running.exception() is None:
            self._last = running.result()


def _in_thread(look: Callable[[], Seen]) -> asyncio.Future[Seen]:
    """Nobody waits for the thread when the process ends."""
    found: concurrent.futures.Future[Seen] = concurrent.futures.Future()

    def run() -> None:
        try:
            found.set_result(look())
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(found)
