"""How long a key that failed waits."""

from __future__ import annotations

from collections.abc import Hashable

from component_base.backoff import exponential
from component_base.token_bucket import TokenBucket

BASE_SECONDS, MAX_SECONDS = 0.005, 1000.0
OVERALL_QPS, OVERALL_BURST = 10.0, 100


class Backoff:
    """Per key 5 ms doubling to 1000 s; over all keys 10 a second with a burst of 100. The longer counts."""

    def __init__(self, base: float = BASE_SECONDS, maximum: float = MAX_SECONDS) -> None:
        self._base, self._maximum = base, maximum
        self._failures: dict[Hashable, int] = {}
        self._overall = TokenBucket(OVERALL_QPS, OVERALL_BURST)

    def next(self, key: Hashable) -> float:
        """The delay after one more failure."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        own = exponential(self._base, self._maximum, failures)
        return max(own, self._overall.reserve())

    def failures(self, key: Hashable) -> int:
        return self._failures.get(key, 0)

    def forget(self, key: Hashable) -> None:
        self._failures.pop(key, None)
