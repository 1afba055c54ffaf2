"""What is remembered for a while: the least recently used of too much goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._entries.get(key)
        if found is None:
            return None
        value, until = found
        if until <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def clear(self) -> None:
        self._entries.clear()

    def add(self, key: K, value: V, seconds: float) -> None:
        """Nothing is kept for no time."""
        if seconds <= 0:
            return
        self._entries[key] = (value, self._clock() + seconds)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
