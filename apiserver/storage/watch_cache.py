"""All objects in memory, fed by one watch of the store; reads are served from here.

The watch covers the whole store, not only `/registry/`: then every revision there is arrives, and having
reached a revision means having seen all up to it, with no need to ask the store for progress.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from contextlib import aclosing
from itertools import count

from apimachinery.scheme import Resource
from apiserver.storage.entry import Entry, Kind
from apiserver.storage.interface import (
    Batch,
    KeyValue,
    RevisionCompacted,
    RevisionInFuture,
    Storage,
    StorageError,
    StorageUnreachable,
)
from apiserver.storage.keys import ROOT, prefixes
from apiserver.storage.resource_cache import ResourceCache
from apiserver.storage.stored_revision import StoredRevision

log = logging.getLogger(__name__)

_PAGE = 500
_FRESH_TIMEOUT = 10.0
_RETRY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)


class WatchCache:
    """`run()` feeds it for ever; `ready` is set once it has been loaded."""

    def __init__(self, storage: Storage) -> None:
        self.revision = 0
        self.history_from = 0
        """Where history begins: older tokens have expired, even if nothing has changed since."""
        self.ready = asyncio.Event()
        self.stored = StoredRevision(storage)
        self._storage = storage
        self._resources: dict[str, ResourceCache] = {}
        self._unclaimed: dict[str, KeyValue] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def __repr__(self) -> str:
        return f"<WatchCache @{self.revision} {len(self._resources)} resources>"

    def forget_history(self, before: int) -> None:
        self.history_from = before

    def resource(self, resource: Resource, kind: Kind | None = None) -> ResourceCache:
        """The cache of a resource; all its API versions share one. Made when first asked for."""
        prefix = resource.storage_prefix
        cache = self._resources.get(prefix)
        if cache is None:
            cache = self._resources[prefix] = ResourceCache(resource, self.revision, kind)
            if self.ready.is_set():  # else it is loaded with all others
                claimed = [key for key in self._unclaimed if key.startswith(prefix)]
                cache.load(_entries(cache, [self._unclaimed.pop(key) for key in claimed]), self.revision)
        return cache

    def find(self, resource: Resource) -> ResourceCache | None:
        """The cache of a resource if there is one."""
        return self._resources.get(resource.storage_prefix)

    def resources(self) -> list[ResourceCache]:
        return list(self._resources.values())

    def forget(self, resource: Resource) -> None:
        """Drops the cache of a resource that is no longer served. Its objects stay in the store."""
        cache = self._resources.pop(resource.storage_prefix, None)
        if cache is not None:
            self._unclaimed |= {e.key: KeyValue(e.key, e.value, e.revision) for e in cache.entries()}
            cache.load([], self.revision)

    # Being current

    async def fresh(self) -> int:
        """Returns when the cache has everything written before the call; tells the revision it waited for."""
        revision = await self.stored.ask()
        await self.reach(revision)
        return revision

    async def reach(self, revision: int) -> None:
        """Returns when the cache has got as far as the store. Raises StorageUnreachable."""
        if revision > self.revision and not await self.wait_until(revision, _FRESH_TIMEOUT):
            raise StorageUnreachable(f"the watch of the store is at {self.revision}, the store at {revision}")

    async def wait_until_ready(self, seconds: float) -> bool:
        """Whether the cache was loaded in time."""
        try:
            async with asyncio.timeout(seconds):
                await self.ready.wait()
        except TimeoutError:
            return False
        return True

    async def wait_until(self, revision: int, seconds: float) -> bool:
        """Whether the cache reached `revision` in time."""
        if self.revision >= revision:
            return True
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (revision, next(self._order), future))
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        return True

    def _advance(self, revision: int) -> None:
        self.revision = revision
        while self._waiting and self._waiting[0][0] <= revision:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    # Being fed

    async def run(self) -> None:
        """Loads, follows, recovers; never returns."""
        failures = 0
        while True:
            try:
                await self._ensure_loaded()
                async with aclosing(self._storage.watch("", self.revision)) as batches:  # type: ignore[type-var]  # a generator
                    async for batch in batches:
                        failures = 0
                        self._apply(batch)
            except RevisionCompacted:
                log.warning("Lost history, reloading: revision=%d", self.revision)
                self.ready.clear()
            except StorageError as error:
                if not failures:
                    log.warning("Lost the watch of the store, trying again: err=%s", error)
                await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1

    async def _ensure_loaded(self) -> None:
        """Loads if that has not been done, or if the store has gone back in time (a restored backup)."""
        if self.ready.is_set() and await self._storage.current_revision() >= self.revision:
            return
        while True:
            try:
                await self._load()
            except (RevisionCompacted, RevisionInFuture):
                continue  # compacted while loading: begin again
            return

    async def _load(self) -> None:
        """Everything under the root as of one revision, in pages."""
        for cache in self._resources.values():
            cache.unreadable.clear()
        page = await self._storage.list(ROOT, limit=_PAGE)
        revision = page.revision
        loaded: dict[str, list[Entry]] = {}
        unclaimed = self._sort(page.items, loaded)
        while page.remaining:
            page = await self._storage.list(
                ROOT, limit=_PAGE, revision=revision, start_after=page.items[-1].key
            )
            unclaimed += self._sort(page.items, loaded)
        self._replace(loaded, self._sort(unclaimed, loaded), revision)
        log.info("Loaded the store: objects=%d revision=%d", sum(map(len, loaded.values())), revision)
        self.ready.set()

    def _sort(self, items: list[KeyValue], loaded: dict[str, list[Entry]]) -> list[KeyValue]:
        """Turns items into entries of their resources; returns those of unknown resources."""
        unclaimed = []
        for item in items:
            prefix = self._prefix_of(item.key)
            if prefix is None:
                unclaimed.append(item)
            else:
                loaded.setdefault(prefix, []).extend(_entries(self._resources[prefix], [item]))
        return unclaimed

    def _replace(self, loaded: dict[str, list[Entry]], unclaimed: list[KeyValue], revision: int) -> None:
        self._unclaimed = {item.key: item for item in unclaimed}
        for prefix, cache in self._resources.items():
            cache.load(loaded.get(prefix, ()), revision)
        self._advance(revision)

    def _prefix_of(self, key: str) -> str | None:
        return next((prefix for prefix in prefixes(key) if prefix in self._resources), None)

    def _apply(self, batch: Batch) -> None:
        for event in batch.events:
            prefix = self._prefix_of(event.key)
            if prefix is not None:
                self._resources[prefix].apply(event)
            elif event.value is None:
                self._unclaimed.pop(event.key, None)
            elif event.key.startswith(ROOT):
                item = KeyValue(event.key, event.value, event.revision, problem=event.problem)
                self._unclaimed[event.key] = item
        self._advance(batch.revision)


def _entries(cache: ResourceCache, items: list[KeyValue]) -> list[Entry]:
    return [entry for item in items if (entry := cache.entry_if_readable(item)) is not None]
