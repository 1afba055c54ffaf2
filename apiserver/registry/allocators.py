"""Numbers and addresses that may be given out once: what can go wrong, and which to try first.

The allocators keep nothing in memory: what is taken is what the Storage seam says, changed by
compare-and-swap only, so several apiservers may allocate at once and a crash forgets nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator


class AllocationError(Exception):
    """The wanted value can't be had; the text is upstream's."""


class AlreadyAllocated(AllocationError):
    """Somebody has it."""


class NotInRange(AllocationError):
    """It is not ours to give."""


class RangeFull(AllocationError):
    """Everything is taken."""

    def __init__(self) -> None:
        super().__init__("range is full")


def reserved_band(size: int, *, share: int, most: int) -> int:
    """How many of the lowest values are left to those who ask for one by name (KEP-3070, KEP-3668)."""
    return 0 if size < 16 else min(max(16, size // share), most)


def candidates(size: int, reserved: int, randomness: random.Random) -> Iterator[int]:
    """Every offset once: above the reserved band from a random start, then the band likewise."""
    for low, high in ((reserved, size), (0, reserved)):
        if low < high:
            start = randomness.randrange(low, high)
            yield from range(start, high)
            yield from range(low, start)
