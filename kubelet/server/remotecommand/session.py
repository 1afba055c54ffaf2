"""A client and a process, joined until either has had enough."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kubelet.runtime.interface import ExecStream
from kubelet.server.remotecommand.client_streams import ClientStreams
from kubelet.server.remotecommand.status import Status

_LINGER_SECONDS = 5.0

Outcome = Callable[[ExecStream], Awaitable[Status]]
"""What the client is told once there is nothing more to read."""


async def attend(client: ClientStreams, process: ExecStream, outcome: Outcome) -> None:
    """Until the process has ended, or the client has left it. Raises ConnectionError if it was cut off."""
    output = asyncio.create_task(_copy_output(client, process, outcome))
    delivery = asyncio.create_task(client.deliver(process))
    try:
        done, _ = await asyncio.wait([output, delivery], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        output.cancel()
        await asyncio.gather(output, return_exceptions=True)
        await _linger(delivery)
        await process.aclose()


async def fail(client: ClientStreams, status: Status) -> None:
    """There is no process."""
    client.finish(status)
    await _linger(asyncio.create_task(client.until_gone()))


async def _copy_output(client: ClientStreams, process: ExecStream, outcome: Outcome) -> None:
    while (piece := await process.read()) is not None:
        await client.send(*piece)
    client.finish(await outcome(process))


async def _linger(hanging_up: asyncio.Task[None]) -> None:
    """A client hangs up once it has read everything; whom we leave sooner may lose the end."""
    await asyncio.wait([hanging_up], timeout=_LINGER_SECONDS)
    hanging_up.cancel()
    await asyncio.gather(hanging_up, return_exceptions=True)
