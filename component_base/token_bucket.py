"""How often: a token bucket, as upstream's clients and batches have one."""

from __future__ import annotations

import asyncio


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
