"""tcpSocket: a connection is enough."""

from __future__ import annotations

import asyncio

from kubelet.probes.http import dial_error
from kubelet.probes.outcome import Attempt, Outcome


async def probe_tcp(host: str, port: int, limit: float) -> Attempt:
    """Never raises."""
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, UnicodeError) as error:  # TimeoutError is one
        return Attempt(Outcome.FAILURE, dial_error(host, port, error))
    writer.close()
    return Attempt(Outcome.SUCCESS)
