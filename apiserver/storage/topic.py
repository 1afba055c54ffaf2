"""What happened to a set of objects, in order, for many readers at their own pace.

Each change is kept once. Readers hold a position, are woken together, and take all that is new. Old
changes go when there are too many of them; a reader that is still before those has been too slow.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import Final, Literal, NamedTuple

from apiserver.storage.entry import Entry

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"


class Change(NamedTuple):
    """One change. `entry` is the object after it; for DELETED its last state, at the deletion's revision."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    entry: Entry
    previous: Entry | None

    @property
    def revision(self) -> int:
        return self.entry.revision


class Lagging(Exception):
    """The reader's position is before the oldest change."""


class Topic:
    """`floor` is the revision after which every change is still here."""

    def __init__(self, floor: int, max_changes: int = 10_000, max_bytes: int = 16 << 20) -> None:
        self.floor = floor
        self.readers = 0
        self._max_changes, self._max_bytes = max_changes, max_bytes
        self._changes: list[Change] = []
        self._base = 0
        self._bytes = 0
        self.waiting: set[Reader] = set()

    def __repr__(self) -> str:
        return f"<Topic {self._base}..{self.end} floor={self.floor}>"

    @property
    def end(self) -> int:
        """The position after the last change."""
        return self._base + len(self._changes)

    def publish(self, change: Change) -> None:
        self._changes.append(change)
        self._bytes += len(change.entry.body)
        if len(self._changes) > self._max_changes or self._bytes > self._max_bytes:
            self._drop(max(len(self._changes) // 4, 1))
        self.wake()

    def _drop(self, count: int) -> None:
        """Forgets the oldest; several at a time, so that it costs little a change."""
        dropped = self._changes[:count]
        del self._changes[:count]
        self._base += count
        self._bytes -= sum(len(change.entry.body) for change in dropped)
        self.floor = dropped[-1].revision

    def reset(self, floor: int) -> None:
        """Forgets everything: there is a gap before `floor`. Every reader lags."""
        self._base = self.end + 1
        self._changes, self._bytes, self.floor = [], 0, floor
        self.wake()

    def after(self, revision: int) -> int:
        """The position of the first change after `revision`, which must not be before `floor`."""
        return self._base + bisect_right(self._changes, revision, key=lambda change: change.revision)

    def take(self, position: int, limit: int) -> list[Change]:
        """Up to `limit` changes from `position` on. Raises Lagging."""
        if position < self._base:
            raise Lagging
        start = position - self._base
        return self._changes[start : start + limit]

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, set()
        for reader in waiting:
            reader.wake()


class Reader:
    """One position in a topic."""

    __slots__ = ("_future", "position", "topic")

    def __init__(self, topic: Topic, position: int) -> None:
        self.topic = topic
        self.position = position
        self._future: asyncio.Future[None] | None = None

    def take(self, limit: int) -> list[Change]:
        """Up to `limit` new changes. Raises Lagging."""
        changes = self.topic.take(self.position, limit)
        self.position += len(changes)
        return changes

    async def wait(self, deadline: float) -> None:
        """Until there is something new, or `wake` is called, or the loop's time is `deadline`."""
        if self.position != self.topic.end:
            return
        loop = asyncio.get_running_loop()
        self._future = loop.create_future()
        self.topic.waiting.add(self)
        timer = loop.call_at(deadline, self.wake)
        try:
            await self._future
        finally:
            timer.cancel()
            self._future = None
            self.topic.waiting.discard(self)

    def wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)
