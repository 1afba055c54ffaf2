"""The Storage seam in memory: a real store with history, compaction, watches and leases."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncIterator, Sequence
from itertools import count

from apiserver.storage.interface import (
    Batch,
    Event,
    KeyExists,
    KeyValue,
    Page,
    RevisionCompacted,
    RevisionInFuture,
    RevisionMismatch,
    ValueTooLarge,
)

_MAX_VALUE = 1536 * 1024


class MemoryStorage:
    """See `Storage`. Every method runs to its end without awaiting, so there is nothing to lock."""

    def __init__(self) -> None:
        self._revision = 1
        self._oldest = 0
        self._events: list[Event] = []
        self._versions: dict[str, list[tuple[int, bytes | None]]] = {}
        self._keys: list[str] = []
        self._changed: asyncio.Future[None] | None = None
        self._leases: dict[int, set[str]] = {}
        self._lease_of: dict[str, int] = {}
        self._lease_ids = count(1)

    def __repr__(self) -> str:
        return f"<MemoryStorage revision={self._revision} keys={len(self._keys)} oldest={self._oldest}>"

    async def get(self, key: str) -> KeyValue | None:
        return self._at(key, self._revision)

    def _at(self, key: str, revision: int) -> KeyValue | None:
        """The key as of `revision`."""
        versions = self._versions.get(key, [])
        index = bisect_right(versions, revision, key=lambda version: version[0]) - 1
        if index < 0:
            return None
        written, value = versions[index]
        return None if value is None else KeyValue(key, value, written)

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        self._check(revision)
        at = revision or self._revision
        start = (
            bisect_left(self._keys, prefix) if start_after is None else bisect_right(self._keys, start_after)
        )
        end = bisect_left(self._keys, prefix + "\U0010ffff")
        found = [item for key in self._keys[start:end] if (item := self._at(key, at)) is not None]
        items = found[:limit] if limit else found
        return Page(items, at, len(found) - len(items))

    def _check(self, revision: int) -> None:
        if revision > self._revision:
            raise RevisionInFuture(f"revision {revision} is yet to come")
        if revision and revision < self._oldest:
            raise RevisionCompacted(self._oldest)

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        if self._at(key, self._revision) is not None:
            raise KeyExists(key)
        return self._put(key, value, lease)

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        self._compare(key, revision)
        return self._put(key, value, lease)

    async def delete(self, key: str, revision: int) -> int:
        self._compare(key, revision)
        self._attach(key, 0)
        self._write([(key, None)])
        return self._revision

    def _compare(self, key: str, revision: int) -> None:
        current = self._at(key, self._revision)
        if (current.revision if current else 0) != revision:
            raise RevisionMismatch(key, current)

    def _put(self, key: str, value: bytes, lease: int) -> int:
        if len(value) + len(key) > _MAX_VALUE:
            raise ValueTooLarge("etcdserver: request is too large")
        self._attach(key, lease)
        self._write([(key, value)])
        return self._revision

    def _write(self, changes: Sequence[tuple[str, bytes | None]]) -> None:
        """One transaction: everything in it has the same revision."""
        self._revision += 1
        for key, value in changes:
            if key not in self._versions:
                self._versions[key] = []
                insort(self._keys, key)
            self._versions[key].append((self._revision, value))
            self._events.append(Event(key, value, self._revision))
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None and not changed.done():
            changed.set_result(None)

    async def current_revision(self) -> int:
        return self._revision

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        while True:
            if revision < self._oldest - 1:
                raise RevisionCompacted(self._oldest)
            changed = self._next_change()  # taken before looking, so that no change is missed
            start = bisect_right(self._events, revision, key=lambda event: event.revision)
            events = [event for event in self._events[start:] if event.key.startswith(prefix)]
            if self._revision > revision:
                revision = self._revision
                yield Batch(events, revision)
            else:
                await asyncio.shield(changed)

    def _next_change(self) -> asyncio.Future[None]:
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed

    async def grant(self, ttl: int) -> int:
        lease = next(self._lease_ids)
        self._leases[lease] = set()
        asyncio.get_running_loop().call_later(ttl, self._expire, lease)
        return lease

    def _attach(self, key: str, lease: int) -> None:
        """A key has the lease of its last write, or none."""
        self._leases.get(self._lease_of.pop(key, 0), set()).discard(key)
        if lease:
            self._leases[lease].add(key)
            self._lease_of[key] = lease

    def _expire(self, lease: int) -> None:
        keys = self._leases.pop(lease, set())
        for key in keys:
            self._lease_of.pop(key, None)
        if keys:
            self._write([(key, None) for key in sorted(keys)])

    async def compact(self, revision: int) -> None:
        if revision <= self._oldest:
            return
        self._oldest = revision
        del self._events[: bisect_left(self._events, revision, key=lambda event: event.revision)]
        self._versions = {
            key: kept for key, old in self._versions.items() if (kept := _compacted(old, revision))
        }
        self._keys = sorted(self._versions)

    async def size(self) -> int:
        return sum(len(value or b"") for versions in self._versions.values() for _, value in versions)

    async def aclose(self) -> None:
        self._wake()


def _compacted(versions: list[tuple[int, bytes | None]], revision: int) -> list[tuple[int, bytes | None]]:
    """What answers at `revision` and later: all after it, and the last up to it unless that is a deletion."""
    index = max(bisect_right(versions, revision, key=lambda version: version[0]) - 1, 0)
    kept = versions[index:]
    return kept[1:] if kept and kept[0][0] <= revision and kept[0][1] is None else kept
