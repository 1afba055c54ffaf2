"""Forgets the store's history every few minutes; of several API servers one does it each time.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/storage/etcd3/compact.go
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from apiserver.storage.interface import KeyExists, KeyValue, RevisionMismatch, Storage, StorageError

log = logging.getLogger(__name__)

KEY = "compact_rev_key"
INTERVAL = 300.0


class Compactor:
    """Who writes the key first compacts to the revision of an interval ago; the others only take note.

    So history is kept for five to ten minutes, and a server that is late does no harm.
    """

    def __init__(
        self,
        storage: Storage,
        interval: float = INTERVAL,
        forgotten: Callable[[int], None] = lambda revision: None,
    ) -> None:
        """`forgotten(revision)` is told where history begins after a turn, whoever won it."""
        self._storage = storage
        self._interval = interval
        self._forgotten = forgotten
        self._seen: KeyValue | None = None
        self._revision = 0
        """The store's revision at the last turn: what the next one compacts to."""

    async def run(self) -> None:
        """Never returns. A store that does not answer is tried again at the next turn."""
        if not self._interval:
            return
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.turn()
            except StorageError as error:
                log.warning("Failed to compact: err=%s", error)

    async def turn(self) -> bool:
        """One turn; whether this server won it."""
        revision = await self._storage.current_revision()
        won = await self._write(str(revision).encode())
        if self._revision:
            if won:
                await self._storage.compact(self._revision)
                log.info("Compacted the store: revision=%d", self._revision)
            self._forgotten(self._revision)
        self._revision = revision
        return won

    async def _write(self, value: bytes) -> bool:
        """Compare-and-swap of the key, against what it was at the last turn."""
        try:
            if self._seen is None:
                written = await self._storage.create(KEY, value)
            else:
                written = await self._storage.update(KEY, value, self._seen.revision)
        except KeyExists:
            self._seen = await self._storage.get(KEY)
            return False
        except RevisionMismatch as mismatch:
            self._seen = mismatch.current
            return False
        self._seen = KeyValue(KEY, value, written)
        return True
