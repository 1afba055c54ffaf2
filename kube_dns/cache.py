"""A map whose values are good for a while, and that never grows beyond its size."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Times are the event loop's. When it is full, the older half goes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[K, tuple[float, V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K, now: float) -> V | None:
        entry = self._entries.get(key)
        return entry[1] if entry is not None and now < entry[0] else None

    def put(self, key: K, value: V, until: float) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= self._size:
            for old in list(islice(self._entries, max(1, self._size // 2))):
                del self._entries[old]
        self._entries[key] = (until, value)

    def clear(self) -> None:
        self._entries.clear()
