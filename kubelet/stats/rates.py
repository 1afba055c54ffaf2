"""How fast counters of processor time grow, from one question to the next."""

from __future__ import annotations

from collections.abc import Mapping

SHORTEST = 1.0
"""Seconds; over less time the rate is that of before."""


class Rates:
    def __init__(self) -> None:
        self._at = float("-inf")
        self._counts: Mapping[str, int] = {}
        self._rates: Mapping[str, int] = {}

    def next(self, counts: Mapping[str, int], now: float) -> Mapping[str, int]:
        """Nanoseconds a second, by the same keys; of what was not there before, nothing."""
        passed = now - self._at
        if passed < SHORTEST:
            return self._rates
        self._rates = {
            key: int((count - self._counts[key]) / passed)
            for key, count in counts.items()
            if count >= self._counts.get(key, count + 1)
        }
        self._at, self._counts = now, counts
        return self._rates
