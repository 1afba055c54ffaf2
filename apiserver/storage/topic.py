"""What happened to a set of objects, in order, for many readers at their own pace.

Each change is kept once. Readers hold a position, are served a few at a time, and take all that is new. Old
changes go when there are too many of them, or after a minute or two; a reader that is still before those has
been too slow.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Final, Literal

from apiserver.storage.entry import Entry

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"

Push = Callable[[], bool]
"""Deals with what is new without a task; whether it could, and the reader is at the end again."""
_READERS_A_TURN = 8
"""How many are served before requests get a turn: a tenth of a millisecond. A write needs several turns."""
_REST, _LONGEST_REST = 3, 0.002
"""After a round nobody is served for so many times as long, so many seconds at most: requests come first."""
_LINES_KEPT = 256
"""Of so many changes, the newest: a line is as large as its object, and few come for an old one."""
_FRESH_SECONDS = 75.0
"""How long a change is kept at least, unless there are too many: a watch that is made anew goes on from where
the last one ended. Upstream's eventFreshDuration."""
_FEWEST = 100
"""So many are kept however old they are; upstream's defaultLowerBoundCapacity."""
Type = Literal["ADDED", "MODIFIED", "DELETED"]
_STARTS: dict[str, bytes] = {
    kind: b'{"type":"%b","object":' % kind.encode() for kind in (ADDED, MODIFIED, DELETED)
}


class Change:
    """One change. `entry` is the object after it; for DELETED its last state, at the deletion's revision."""

    __slots__ = ("_header", "_line", "entry", "previous", "revision", "type")

    def __init__(self, type: Type, entry: Entry, previous: Entry | None) -> None:
        self.type = type
        self.entry = entry
        self.previous = previous
        self.revision = entry.revision
        self._header = self._line = b""

    def __repr__(self) -> str:
        return f"<{self.type} {self.entry.key}@{self.revision}>"

    def line(self, header: bytes) -> bytes:
        """The event that most watchers are sent, encoded when the first of them asks."""
        if self._header is not header:
            self._header = header
            self._line = b"%b%b%b}\n" % (_STARTS[self.type], header, self.entry.body)
        return self._line

    def forget_line(self) -> None:
        """Whoever asks for it now has it encoded anew."""
        self._header = self._line = b""


class Lagging(Exception):
    """The reader's position is before the oldest change."""


class TooSlow(Lagging):
    """The reader could have been told, but did not take it in time."""


class Topic:
    """`floor` is the revision after which every change is still here."""

    def __init__(self, floor: int, max_changes: int = 10_000, max_bytes: int = 16 << 20) -> None:
        self.floor = floor
        self.readers = 0
        self._max_changes, self._max_bytes = max_changes, max_bytes
        self._changes: list[Change] = []
        self._base = self._gaps = self._begin = 0
        self._bytes = 0
        self._old = 0
        """The position before which every change was here when it was last looked how old they are."""
        self._is_ageing = False
        self.waiting: deque[Reader] = deque()
        """Those that wait for something new, who was served longest ago first."""
        self._due = 0
        """How many of them this round is still to serve."""
        self._spent = 0.0
        """The seconds it has taken so far."""
        self._is_busy = self._is_new = False
        """Whether a round is under way, or the rest after it; whether something has come since it began."""

    def __repr__(self) -> str:
        return f"<Topic {self._base}..{self.end} floor={self.floor}>"

    @property
    def end(self) -> int:
        """The position after the last change."""
        return self._base + len(self._changes)

    @property
    def published(self) -> int:
        """How many changes there have been."""
        return self.end - self._gaps

    def publish(self, change: Change) -> None:
        self._changes.append(change)
        self._bytes += len(change.entry.body)
        if len(self._changes) > _LINES_KEPT:
            self._changes[-_LINES_KEPT - 1].forget_line()
        if len(self._changes) > self._max_changes or self._bytes > self._max_bytes:
            self._drop(max(len(self._changes) // 4, 1))
        if len(self._changes) > _FEWEST and not self._is_ageing:
            self._is_ageing = True
            asyncio.get_running_loop().call_later(_FRESH_SECONDS, self._age)
        self.wake()

    def _age(self) -> None:
        """Forgets what is older than the last look, but for a few; looks again while there are more."""
        old = min(self._old - self._base, len(self._changes) - _FEWEST)
        if old > 0:
            self._drop(old)
        self._old = self.end
        self._is_ageing = len(self._changes) > _FEWEST
        if self._is_ageing:
            asyncio.get_running_loop().call_later(_FRESH_SECONDS, self._age)

    def _drop(self, count: int) -> None:
        """Forgets the oldest; several at a time, so that it costs little a change."""
        dropped = self._changes[:count]
        del self._changes[:count]
        self._base += count
        self._bytes -= sum(len(change.entry.body) for change in dropped)
        self.floor = dropped[-1].revision

    def reset(self, floor: int) -> None:
        """Forgets everything: there is a gap before `floor`. Every reader lags."""
        self._base = self._begin = self.end + 1
        self._gaps += 1
        self._changes, self._bytes, self.floor = [], 0, floor
        self.wake()

    def after(self, revision: int) -> int:
        """The position of the first change after `revision`, which must not be before `floor`."""
        return self._base + bisect_right(self._changes, revision, key=lambda change: change.revision)

    def take(self, position: int, limit: int) -> list[Change]:
        """Up to `limit` changes from `position` on. Raises Lagging."""
        if position < self._base:
            raise Lagging if position < self._begin else TooSlow
        start = position - self._base
        return self._changes[start : start + limit]

    def wake(self) -> None:
        """All that wait have something new now: the next turns of the loop serve a few of them each.

        Requests are served in between, and in a rest after each round of many. Who is served late gets in one
        piece what has come meanwhile.
        """
        self._is_new = True
        if not self._is_busy:
            self._begin_round()

    def _begin_round(self) -> None:
        self._due = len(self.waiting) if self._is_new else 0
        self._is_busy, self._is_new, self._spent = self._due > 0, False, 0.0
        if self._is_busy:
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        began = perf_counter()
        now = min(self._due, _READERS_A_TURN)
        self._due -= now
        for _ in range(now):
            reader = self.waiting.popleft()
            reader.is_waiting = False
            reader.serve()
        self._spent += perf_counter() - began
        loop = asyncio.get_running_loop()
        if self._due:
            loop.call_soon(self._serve)
        else:
            loop.call_later(min(_REST * self._spent, _LONGEST_REST), self._begin_round)


class Reader:
    """One position in a topic. One task waits on it at a time."""

    __slots__ = ("_future", "_loop", "_push", "_timer", "is_waiting", "position", "topic")

    def __init__(self, topic: Topic, position: int) -> None:
        self.topic = topic
        self.position = position
        self.is_waiting = False
        """Whether the topic will serve it."""
        self._loop = asyncio.get_running_loop()
        self._push: Push | None = None
        self._future: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_at_end(self) -> bool:
        return self.position == self.topic.end

    def take(self, limit: int) -> list[Change]:
        """Up to `limit` new changes. Raises Lagging."""
        changes = self.topic.take(self.position, limit)
        self.position += len(changes)
        return changes

    def set_alarm(self, moment: float) -> None:
        """Be woken at that time of the loop, whatever happens; replaces the last alarm."""
        self.clear_alarm()
        self._timer = self._loop.call_at(moment, self.wake)

    def clear_alarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def wait(self, push: Push | None = None) -> None:
        """Until there is something new that `push` does not deal with, or `wake` is called."""
        if not self.is_at_end:
            return
        self._push = push
        self._future = self._loop.create_future()
        self._queue_up()
        try:
            await self._future
        finally:
            self._future = self._push = None

    def _queue_up(self) -> None:
        if not self.is_waiting:
            self.is_waiting = True
            self.topic.waiting.append(self)

    def serve(self) -> None:
        """There may be something new. What goes wrong in dealing with it is the waiting task's to know."""
        if self._future is None or self._future.done():
            return
        if self.is_at_end:  # its task has taken what is new before the topic came round
            self._queue_up()
            return
        try:
            if self._push is not None and self._push():
                self._queue_up()
            else:
                self._future.set_result(None)
        except Exception as error:
            self._future.set_exception(error)

    def wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)
