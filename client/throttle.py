"""A client's own limit, as client-go's: so many requests a second in the long run, and a burst at once."""

from __future__ import annotations

import asyncio
import logging

from component_base.token_bucket import TokenBucket

log = logging.getLogger(__name__)

LONG, VERY_LONG = 0.05, 1.0
QUIET_SECONDS = 10.0
"""So far apart are the lines about requests that had to wait very long."""

_REASON = "client-side throttling, not priority and fairness"


class Throttle:
    def __init__(self, qps: float, burst: int) -> None:
        self._bucket = TokenBucket(qps, burst)
        self._silent_until = 0.0

    async def wait(self, method: str, path: str) -> float:
        """Until the request may be sent; the seconds that took."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._bucket.take()
        waited = clock() - began
        if waited > LONG:
            is_news = waited > VERY_LONG and clock() >= self._silent_until
            if is_news:
                self._silent_until = clock() + QUIET_SECONDS
            log.log(
                logging.INFO if is_news else logging.DEBUG,
                "Waited before sending request: delay=%.3fs reason=%r verb=%s URL=%s",
                waited,
                _REASON,
                method,
                path,
            )
        return waited
