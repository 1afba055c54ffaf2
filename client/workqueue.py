"""The work queue: keys that need work, each once, none by two workers at the same time.

`dirty` keys need work, `processing` keys are somebody's, `ready` is the order of what may be taken. Adding a
key that is being processed only marks it dirty; `done` queues it again. One event loop needs no lock for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from client import metrics
from client.ratelimit import Backoff

K = TypeVar("K", bound=Hashable)

MAX_CAUSES = 16


class WorkQueue(Generic[K]):
    """Takes keys and gives each to one worker at a time."""

    def __init__(self, name: str, backoff: Backoff | None = None) -> None:
        self.name = name
        self._backoff = backoff or Backoff()
        self._dirty: dict[K, float] = {}
        self._processing: dict[K, float] = {}
        self._ready: deque[K] = deque()
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._causes: dict[K, dict[str, None]] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._depth = metrics.WORKQUEUE_DEPTH.labels(name)
        self._adds = metrics.WORKQUEUE_ADDS.labels(name)
        self._retries = metrics.WORKQUEUE_RETRIES.labels(name)
        self._queue_seconds = metrics.WORKQUEUE_QUEUE_SECONDS.labels(name)
        self._work_seconds = metrics.WORKQUEUE_WORK_SECONDS.labels(name)
        self._depth.set(0)
        metrics.UNFINISHED.labels(name).set_function(lambda: sum(self._running()))
        metrics.LONGEST.labels(name).set_function(lambda: max(self._running(), default=0.0))

    def __len__(self) -> int:
        return len(self._ready)

    def __repr__(self) -> str:
        return (
            f"<WorkQueue {self.name} ready={[str(key) for key in self._ready]} "
            f"processing={[str(key) for key in self._processing]} later={[str(key) for key in self._later]}>"
        )

    def add(self, key: K, cause: str = "") -> None:
        """Marks the key as needing work; `cause` is the resourceVersion that made it so."""
        self._note(key, cause)
        if key in self._dirty:
            return  # already waiting: coalesce
        self._adds.inc()
        self._dirty[key] = asyncio.get_running_loop().time()
        if key not in self._processing:  # else done() will queue it again
            self._put(key)

    def _note(self, key: K, cause: str) -> None:
        if not cause:
            return
        causes = self._causes.setdefault(key, {})
        causes.pop(cause, None)
        causes[cause] = None
        if len(causes) > MAX_CAUSES:
            del causes[next(iter(causes))]

    def add_after(self, key: K, seconds: float, cause: str = "") -> None:
        """Adds the key later; of several times the earliest counts."""
        if seconds <= 0:
            self.add(key, cause)
            return
        self._note(key, cause)
        loop = asyncio.get_running_loop()
        waiting = self._later.get(key)
        if waiting is not None:
            if waiting.when() <= loop.time() + seconds:
                return
            waiting.cancel()
        self._later[key] = loop.call_later(seconds, self._add_now, key)

    def add_rate_limited(self, key: K) -> None:
        """Adds the key after its back-off: 5 ms, doubling with each failure."""
        self._retries.inc()
        self.add_after(key, self._backoff.next(key))

    def forget(self, key: K) -> None:
        """The key succeeded: its back-off starts anew."""
        self._backoff.forget(key)

    def failures(self, key: K) -> int:
        """How often the key was added rate limited since it was forgotten."""
        return self._backoff.failures(key)

    async def get(self) -> K:
        """The next key, which is then the caller's until `done`."""
        while not self._ready:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled() and self._ready:
                    self._wake()  # it was our turn: somebody else has to take it
                raise
        key = self._ready.popleft()
        now = asyncio.get_running_loop().time()
        self._queue_seconds.observe(now - self._dirty.pop(key))
        self._processing[key] = now
        self._depth.set(len(self._ready))
        return key

    def causes(self, key: K) -> tuple[str, ...]:
        """The causes collected for a key since this was last asked."""
        return tuple(self._causes.pop(key, ()))

    def done(self, key: K) -> None:
        """The caller has finished with the key."""
        started = self._processing.pop(key)
        self._work_seconds.observe(asyncio.get_running_loop().time() - started)
        if key in self._dirty:
            self._put(key)

    def _running(self) -> list[float]:
        """For how many seconds each key has been somebody's; nothing is known of that outside of the loop."""
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:
            return []
        return [now - since for since in self._processing.values()]

    def _add_now(self, key: K) -> None:
        del self._later[key]
        self.add(key)

    def _put(self, key: K) -> None:
        self._ready.append(key)
        self._depth.set(len(self._ready))
        self._wake()

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
