"""A heap whose items can be found, replaced and removed by a key. Stale entries are skipped."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Heap(Generic[T]):
    """The item of the least rank comes first, of equal ranks the one that was pushed first."""

    def __init__(self) -> None:
        self._entries: list[tuple[tuple[float, ...], int, str]] = []
        self._items: dict[str, tuple[int, T]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[T]:
        return iter([item for _, item in self._items.values()])

    def get(self, key: str) -> T | None:
        found = self._items.get(key)
        return None if found is None else found[1]

    def push(self, key: str, rank: tuple[float, ...], item: T) -> None:
        self._sequence += 1
        self._items[key] = (self._sequence, item)
        heapq.heappush(self._entries, (rank, self._sequence, key))

    def remove(self, key: str) -> None:
        self._items.pop(key, None)

    def first(self) -> T | None:
        while self._entries:
            _, sequence, key = self._entries[0]
            found = self._items.get(key)
            if found is not None and found[0] == sequence:
                return found[1]
            heapq.heappop(self._entries)
        return None

    def pop(self) -> T | None:
        first = self.first()
        if first is not None:
            _, _, key = heapq.heappop(self._entries)
            del self._items[key]
        return first
