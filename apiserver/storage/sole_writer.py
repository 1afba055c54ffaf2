"""A Storage to which nobody else writes, so that what is newest is known without asking.

Source: for the idea, lease reads in ch. 6.4.1 of Ongaro, Consensus: Bridging Theory and Practice (2014).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from apiserver.storage.interface import Batch, Storage
from apiserver.storage.wrapped import WrappedStorage


class SoleWriter(WrappedStorage):
    """See `Storage`. The revision of the newest write that was acknowledged here is the store's, or as good:
    what is newer has been promised to nobody.

    That is relied on while the store is watched. Once it can't be (it is away, or restored), it is asked.
    """

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self._newest = 0
        """0: not known."""

    def _note(self, revision: int) -> int:
        self._newest = max(self._newest, revision)
        return revision

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        return self._note(await self._storage.create(key, value, lease=lease))

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        return self._note(await self._storage.update(key, value, revision, lease=lease))

    async def delete(self, key: str, revision: int) -> int:
        return self._note(await self._storage.delete(key, revision))

    async def current_revision(self) -> int:
        return self._newest or self._note(await self._storage.current_revision())

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        try:
            async with aclosing(self._storage.watch(prefix, revision)) as batches:  # type: ignore[type-var]  # a generator
                async for batch in batches:
                    yield batch
        finally:
            self._newest = 0
