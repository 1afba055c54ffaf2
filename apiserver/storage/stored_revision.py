"""The revision of the store, asked for by many and of it as seldom as can be."""

from __future__ import annotations

import asyncio

from apiserver.storage.interface import Storage


class StoredRevision:
    """Calls that come while a question is under way share the next one: the answer to a question must be
    younger than the call.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asking: asyncio.Future[int] | None = None
        """The question under way; whatever comes of it, it is over when this is done."""
        self._unsent: asyncio.Task[int] | None = None
        """The one that waits until it is over, and may still be shared."""

    async def ask(self) -> int:
        """A revision that the store had at the call, or a newer one. Raises StorageError."""
        if self._unsent is None:
            if self._asking is None or self._asking.done():
                return await self._ask_alone()
            self._unsent = asyncio.create_task(self._ask_after(self._asking))
            # Those who asked may be gone when the answer comes, and the answer may be a failure.
            self._unsent.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._unsent)

    async def _ask_alone(self) -> int:
        """Nobody is there to share with: the caller asks for itself, without a task in between."""
        asking = self._asking = asyncio.get_running_loop().create_future()
        try:
            return await self._storage.current_revision()
        finally:
            asking.cancel()

    async def _ask_after(self, before: asyncio.Future[int]) -> int:
        if not before.done():
            await asyncio.wait([before])
        self._asking, self._unsent = self._unsent, None
        return await self._storage.current_revision()
