"""How long to wait after so many failures in a row: the one formula of every retry that doubles."""

from __future__ import annotations

_MAX_DOUBLINGS = 64
"""Beyond that a float overflows one day: whoever has failed for a week must still get a number."""


def exponential(first: float, last: float, failures: int) -> float:
    """`first` seconds, doubled once per failure before this one, and never more than `last`."""
    return min(first * 2.0 ** min(failures, _MAX_DOUBLINGS), last)
