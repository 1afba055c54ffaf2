"""A Storage whose values are encrypted on their way to the store and plain for everybody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from hashlib import sha256

from apiserver.config_files import ConfigError, read_file
from apiserver.storage.encryption.ciphers import CipherError
from apiserver.storage.encryption.config import parse_config
from apiserver.storage.encryption.transformer import Transformers
from apiserver.storage.interface import (
    Batch,
    Event,
    KeyValue,
    Page,
    RevisionMismatch,
    Storage,
    UnreadableValue,
)

log = logging.getLogger(__name__)

_RELOAD_SECONDS = 60.0


class EncryptedStorage:
    """See `Storage`. What cannot be decrypted stays as it is in pages and batches; `get` says so."""

    def __init__(self, storage: Storage, transformers: Transformers) -> None:
        self._storage = storage
        self.transformers = transformers

    async def get(self, key: str) -> KeyValue | None:
        found = await self._storage.get(key)
        return None if found is None else self._plain(found)

    def _plain(self, found: KeyValue) -> KeyValue:
        """Raises UnreadableValue."""
        transformer = self.transformers.of_key(found.key)
        if transformer is None:
            return found
        try:
            plain = transformer.open(found.value, found.key)
        except CipherError as error:
            raise UnreadableValue(f'unable to transform key "{found.key}": {error}') from None
        return KeyValue(found.key, plain.value, found.revision, plain.is_stale)

    def _plain_if_readable(self, found: KeyValue) -> KeyValue:
        try:
            return self._plain(found)
        except UnreadableValue as error:
            log.error("Failed to decrypt: err=%s", error)
            return found

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        page = await self._storage.list(prefix, revision=revision, limit=limit, start_after=start_after)
        return replace(page, items=[self._plain_if_readable(each) for each in page.items])

    def _sealed(self, key: str, value: bytes) -> bytes:
        transformer = self.transformers.of_key(key)
        return value if transformer is None else transformer.seal(value, key)

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        return await self._storage.create(key, self._sealed(key, value), lease=lease)

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        try:
            return await self._storage.update(key, self._sealed(key, value), revision, lease=lease)
        except RevisionMismatch as mismatch:
            raise self._readable(mismatch) from None

    async def delete(self, key: str, revision: int) -> int:
        try:
            return await self._storage.delete(key, revision)
        except RevisionMismatch as mismatch:
            raise self._readable(mismatch) from None

    def _readable(self, mismatch: RevisionMismatch) -> RevisionMismatch:
        current = mismatch.current
        return mismatch if current is None else RevisionMismatch(current.key, self._plain(current))

    async def current_revision(self) -> int:
        return await self._storage.current_revision()

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        async with aclosing(self._storage.watch(prefix, revision)) as batches:  # type: ignore[type-var]  # a generator
            async for batch in batches:
                yield Batch([self._plain_event(each) for each in batch.events], batch.revision)

    def _plain_event(self, event: Event) -> Event:
        if event.value is None or self.transformers.of_key(event.key) is None:
            return event
        found = self._plain_if_readable(KeyValue(event.key, event.value, event.revision))
        return Event(event.key, found.value, event.revision)

    async def grant(self, ttl: int) -> int:
        return await self._storage.grant(ttl)

    async def compact(self, revision: int) -> None:
        await self._storage.compact(revision)

    async def close(self) -> None:
        await self._storage.close()


class Reloader:
    """--encryption-provider-config-automatic-reload: looks into the file every minute, as upstream does."""

    def __init__(self, path: str, storage: EncryptedStorage) -> None:
        self._path = path
        self._storage = storage
        self._digest = sha256(read_file(path)).digest()

    async def run(self) -> None:
        """Never returns. A file that is no good changes nothing."""
        while True:
            await asyncio.sleep(_RELOAD_SECONDS)
            try:
                self.reload()
            except ConfigError as error:
                log.error("Failed to reload the encryption configuration: err=%s", error)

    def reload(self) -> bool:
        """Whether there was anything new. Raises ConfigError."""
        text = read_file(self._path)
        digest = sha256(text).digest()
        if digest == self._digest:
            return False
        self._storage.transformers = parse_config(text)
        self._digest = digest
        log.info("Reloaded the encryption configuration: path=%s", self._path)
        return True


def encrypt(storage: Storage, path: str) -> EncryptedStorage:
    """The storage as a configuration file wants it. Raises ConfigError."""
    return EncryptedStorage(storage, parse_config(read_file(path)))
