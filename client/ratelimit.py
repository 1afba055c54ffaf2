"""How often: a token bucket for requests, and the delays of failing keys."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from component_base.backoff import exponential

BASE_SECONDS, MAX_SECONDS = 0.005, 1000.0
OVERALL_QPS, OVERALL_BURST = 10.0, 100


class TokenBucket:
    """`qps` tokens a second, `burst` at once. Tokens may be borrowed from the future: that is the delay."""

    def __init__(self, qps: float, burst: int) -> None:
        self._qps, self._burst = qps, burst
        self._tokens = float(burst)
        self._updated: float | None = None

    def reserve(self) -> float:
        """Takes a token; returns the seconds until it is really there."""
        now = asyncio.get_running_loop().time()
        if self._updated is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._qps)
        self._updated = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._qps)

    def try_take(self) -> bool:
        """Takes a token if one is there."""
        if self.reserve() == 0:
            return True
        self._tokens += 1
        return False

    async def take(self) -> None:
        """Takes a token, waiting for it."""
        delay = self.reserve()
        if delay:
            await asyncio.sleep(delay)


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
