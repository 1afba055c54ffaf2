"""A Storage in front of another one: what such layers pass on unless they say otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator

from apiserver.storage.interface import Batch, KeyValue, Page, Storage


class WrappedStorage:
    """See `Storage`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, key: str) -> KeyValue | None:
        return await self._storage.get(key)

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        return await self._storage.list(prefix, revision=revision, limit=limit, start_after=start_after)

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        return await self._storage.create(key, value, lease=lease)

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        return await self._storage.update(key, value, revision, lease=lease)

    async def delete(self, key: str, revision: int) -> int:
        return await self._storage.delete(key, revision)

    async def current_revision(self) -> int:
        return await self._storage.current_revision()

    def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        return self._storage.watch(prefix, revision)

    async def grant(self, ttl: int) -> int:
        return await self._storage.grant(ttl)

    async def compact(self, revision: int) -> None:
        await self._storage.compact(revision)

    async def size(self) -> int:
        return await self._storage.size()

    async def aclose(self) -> None:
        await self._storage.aclose()
