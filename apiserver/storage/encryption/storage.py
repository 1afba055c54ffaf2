"""A Storage whose values are encrypted on their way to the store and plain for everybody else."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from apiserver.storage.encryption.ciphers import CipherError, KeyAway, KeyNeeded
from apiserver.storage.encryption.transformer import Transformers
from apiserver.storage.interface import (
    Batch,
    Event,
    KeyValue,
    Page,
    RevisionCompacted,
    RevisionMismatch,
    Storage,
    StorageUnreachable,
    UnreadableValue,
    UnwritableValue,
)
from apiserver.storage.wrapped import WrappedStorage

log = logging.getLogger(__name__)

T = TypeVar("T")


class EncryptedStorage(WrappedStorage):
    """See `Storage`. What cannot be decrypted stays as it is in pages and batches, and they say why.

    Where it is only the key that is away, pages do without, so that others need not wait for it; once it is
    back, a watch ends as if history were lost, which makes its reader list again. A watch itself waits.
    """

    def __init__(self, storage: Storage, transformers: Transformers) -> None:
        super().__init__(storage)
        self.transformers = transformers
        self._is_behind = False
        """Whether a page had to do without a key that was away."""

    async def get(self, key: str) -> KeyValue | None:
        found = await self._storage.get(key)
        return None if found is None else await self._plain(found)

    async def _plain(self, found: KeyValue) -> KeyValue:
        """Raises UnreadableValue; StorageUnreachable if the key is somewhere that does not answer."""
        transformer = self.transformers.of_key(found.key)
        if transformer is None:
            return found
        try:
            plain = await with_key(lambda: transformer.open(found.value, found.key))
        except CipherError as error:
            raise UnreadableValue(str(error)) from None
        return KeyValue(found.key, plain.value, found.revision, plain.is_stale)

    async def _plain_if_readable(self, found: KeyValue) -> KeyValue:
        try:
            return await self._plain(found)
        except UnreadableValue as error:
            log.error("Failed to decrypt: key=%s err=%s", found.key, error)
            return found._replace(problem=str(error))

    async def _plain_if_possible(self, found: KeyValue) -> KeyValue:
        try:
            return await self._plain_if_readable(found)
        except StorageUnreachable as error:
            if not self._is_behind:
                log.error("Failed to decrypt, for now: err=%s", error)
            self._is_behind = True
            return found

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        page = await self._storage.list(prefix, revision=revision, limit=limit, start_after=start_after)
        return replace(page, items=[await self._plain_if_possible(each) for each in page.items])

    async def _sealed(self, key: str, value: bytes) -> bytes:
        """Raises UnwritableValue, StorageUnreachable."""
        transformer = self.transformers.of_key(key)
        if transformer is None:
            return value
        try:
            return await with_key(lambda: transformer.seal(value, key))
        except CipherError as error:
            raise UnwritableValue(str(error)) from None

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        return await self._storage.create(key, await self._sealed(key, value), lease=lease)

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        try:
            return await self._storage.update(key, await self._sealed(key, value), revision, lease=lease)
        except RevisionMismatch as mismatch:
            raise await self._readable(mismatch) from None

    async def delete(self, key: str, revision: int) -> int:
        try:
            return await self._storage.delete(key, revision)
        except RevisionMismatch as mismatch:
            raise await self._readable(mismatch) from None

    async def _readable(self, mismatch: RevisionMismatch) -> RevisionMismatch:
        current = mismatch.current
        return mismatch if current is None else RevisionMismatch(current.key, await self._plain(current))

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        async with aclosing(self._storage.watch(prefix, revision)) as batches:  # type: ignore[type-var]  # a generator
            async for batch in batches:
                self._end_if_readable_again()
                yield Batch([await self._plain_event(each) for each in batch.events], batch.revision)

    def _end_if_readable_again(self) -> None:
        if self._is_behind and all(each.is_well for each in self.transformers.services):
            self._is_behind = False
            raise RevisionCompacted(0)

    async def _plain_event(self, event: Event) -> Event:
        if event.value is None or self.transformers.of_key(event.key) is None:
            return event
        found = await self._plain_if_readable(KeyValue(event.key, event.value, event.revision))
        return Event(event.key, found.value, event.revision, found.problem)


async def with_key(attempt: Callable[[], T]) -> T:
    """What `attempt` gives, once it has the key that it needs. Raises CipherError, StorageUnreachable."""
    try:
        try:
            return attempt()
        except KeyNeeded as needed:
            await needed.fetch()
            return attempt()
    except KeyAway as error:
        raise StorageUnreachable(str(error)) from None
