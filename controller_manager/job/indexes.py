"""Sets of completion indexes in the form of `status.completedIndexes`: `0,2-7,9`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Indexes:
    """Disjoint intervals in order, no two of which touch: a Job of 100000 completions costs little."""

    intervals: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, indexes: Iterable[int]) -> Indexes:
        return cls(tuple(_joined((index, index) for index in sorted(indexes))))

    @classmethod
    def parse(cls, text: str, completions: int) -> Indexes:
        """What lies below `completions`; parts that are no numbers count for nothing."""
        parsed = (_interval(part) for part in text.split(",") if part)
        known = (each for each in parsed if each is not None and each[0] < completions)
        return cls(tuple(_joined((first, min(last, completions - 1)) for first, last in known)))

    def __or__(self, other: Indexes) -> Indexes:
        return Indexes(tuple(_joined(sorted([*self.intervals, *other.intervals]))))

    def __and__(self, other: Indexes) -> Indexes:
        common = (
            (max(first, start), min(last, end))
            for first, last in self.intervals
            for start, end in other.intervals
        )
        return Indexes(tuple(each for each in common if each[0] <= each[1]))

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.intervals)

    def __contains__(self, index: int) -> bool:
        return any(first <= index <= last for first, last in self.intervals)

    def __str__(self) -> str:
        return ",".join(_text(*each) for each in self.intervals)

    def missing(self, completions: int) -> Iterator[int]:
        """The indexes below `completions` that are not in the set, lowest first."""
        candidate = 0
        for first, last in self.intervals:
            yield from range(candidate, min(first, completions))
            candidate = last + 1
        yield from range(candidate, completions)


def _interval(text: str) -> Interval | None:
    first, _, last = text.partition("-")
    return (int(first), int(last or first)) if first.isdigit() and (last or first).isdigit() else None


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Merges what overlaps or touches; the intervals come in order."""
    joined: list[Interval] = []
    for first, last in intervals:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def _text(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"
