"""The one read-modify-write loop of the server: decide on what is stored, compare-and-swap, decide again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from weakref import WeakValueDictionary

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apiserver.storage.entry import Entry
from apiserver.storage.interface import KeyExists, KeyValue, RevisionMismatch, Storage, ValueTooLarge
from apiserver.storage.resource_cache import ResourceCache


@dataclass(frozen=True, slots=True)
class Put:
    """Store this object."""

    obj: Object
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the object."""

    dry_run: bool = False
    last: Object | None = None
    """What it has become with its last update, which is not stored any more."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing changes."""

    renew: bool = False
    """Whether what is stored in an old way (encrypted with an old key) is written again."""


Decision = Put | Remove | Keep
Decide = Callable[[Entry | None], Awaitable[Decision]]
Lease = Callable[[], Awaitable[int]]


_MAX_WRITTEN = 1000


async def no_lease() -> int:
    return 0


class Transactions:
    """Writes to one resource's keys."""

    def __init__(self, storage: Storage, cache: ResourceCache, lease: Lease = no_lease) -> None:
        self._storage = storage
        self._cache = cache
        self._lease = lease
        self._written: dict[str, Entry] = {}
        """What this server wrote and the cache may not have yet."""
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, key: str) -> Entry | None:
        """What is stored now. Raises UnreadableValue, UndecodableValue."""
        return (await self._read(key))[0]

    async def _read(self, key: str) -> tuple[Entry | None, bool]:
        """What is stored now, and whether it is stored in an old way."""
        found = await self._storage.get(key)
        return (self._cache.entry_of(found), found.is_stale) if found else (None, False)

    def _newest(self, key: str) -> Entry | None:
        """The newest entry that is known here, without asking the store."""
        written = self._written.get(key)
        if written is not None and written.revision > self._cache.revision:
            return written
        return self._cache.by_key(key)

    def _remember(self, entry: Entry) -> None:
        if len(self._written) >= _MAX_WRITTEN:
            self._written = dict([*self._written.items()][_MAX_WRITTEN // 2 :])
        self._written[entry.key] = entry

    async def create(self, key: str, obj: Object, dry_run: bool = False) -> Entry:
        """Stores an object that must not be there yet. Raises KeyExists."""
        if not dry_run:
            lease = await self._lease()
            value, revision = await self._put(
                obj, lambda value: self._storage.create(key, value, lease=lease)
            )
        elif await self._storage.get(key) is None:
            value, revision = self._cache.kind.encode(obj), 0
        else:
            raise KeyExists(key)
        return self._stored(key, value, revision, dry_run)

    async def _put(self, obj: Object, write: Callable[[bytes], Awaitable[int]]) -> tuple[bytes, int]:
        """Stores an object, and one that is too large with its managers without them; value and revision."""
        value = self._cache.kind.encode(obj)
        try:
            return value, await write(value)
        except ValueTooLarge:
            if "managedFields" not in obj["metadata"]:
                raise
        bare = {name: each for name, each in obj["metadata"].items() if name != "managedFields"}
        value = self._cache.kind.encode(obj | {"metadata": bare})
        return value, await write(value)

    def _stored(self, key: str, value: bytes, revision: int, dry_run: bool) -> Entry:
        entry = self._cache.entry_of(KeyValue(key, value, revision))
        if not dry_run:
            self._remember(entry)
        return entry

    async def guaranteed_update(self, key: str, decide: Decide) -> Entry | None:
        """Runs `decide` on the current entry until its decision holds; returns the entry as it is then.

        The first try decides on the newest entry known, which may be old: what it would refuse or leave alone
        is decided again on what is stored. For Remove the result is the last state, as of its deletion.
        Who was too late queues up: otherwise, of many at once, each would be too late as often as there are
        others.
        """
        async with AsyncExitStack() as turn:
            return await self._update_until_it_holds(key, decide, turn)

    async def _update_until_it_holds(self, key: str, decide: Decide, turn: AsyncExitStack) -> Entry | None:
        entry, certain, stale = self._newest(key), False, False
        if entry is None:
            (entry, stale), certain = await self._read(key), True
        queued = False
        while True:
            try:
                decision = await decide(entry)
                if not isinstance(decision, Keep):
                    return await self._do(key, entry, decision)
                if certain and entry is not None and stale and decision.renew:
                    return await self._do(key, entry, Put(entry.obj))
                if certain:
                    return entry
            except RevisionMismatch as mismatch:
                current = mismatch.current
                entry, certain = self._cache.entry_of(current) if current else None, True
                stale = current is not None and current.is_stale
                if not queued:
                    queued = True
                    await turn.enter_async_context(self._turns.setdefault(key, asyncio.Lock()))
                    newest = self._newest(key)
                    if newest is not None and (entry is None or newest.revision > entry.revision):
                        entry, certain = newest, False
                continue
            except KeyExists:
                pass  # somebody else has just created it
            except StatusError:
                if certain:
                    raise
                tried = entry
                (entry, stale), certain = await self._read(key), True
                if tried and entry and tried.revision == entry.revision:
                    raise  # it was decided on what is stored
                continue
            (entry, stale), certain = await self._read(key), True

    async def _do(self, key: str, entry: Entry | None, decision: Put | Remove) -> Entry | None:
        if isinstance(decision, Remove):
            return await self._remove(key, entry, decision)
        if entry is None:
            return await self.create(key, decision.obj, decision.dry_run)
        current = entry.revision
        if decision.dry_run:
            return self._stored(key, self._cache.kind.encode(decision.obj), current, dry_run=True)
        lease = await self._lease()
        value, revision = await self._put(
            decision.obj, lambda value: self._storage.update(key, value, current, lease=lease)
        )
        return self._stored(key, value, revision, dry_run=False)

    async def _remove(self, key: str, entry: Entry | None, decision: Remove) -> Entry | None:
        if entry is None:
            return None
        revision = entry.revision
        if not decision.dry_run:
            revision = await self._storage.delete(key, revision)
            self._written.pop(key, None)
        value = entry.value if decision.last is None else self._cache.kind.encode(decision.last)
        return self._cache.entry_of(KeyValue(key, value, revision))
