"""Connections from the apiserver to others: none stays open that nobody waits for any more."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from apiserver.http_client import new_client


class Mute:
    """Takes connections, says nothing, and tells when a client hangs up."""

    def __init__(self) -> None:
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        self.begun.set()
        while await reader.read(1024):
            pass
        self.ended.set()
        writer.close()


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_who_stops_waiting_hangs_up(scheme: str) -> None:
    mute = Mute()
    server = await asyncio.start_server(mute.serve, "127.0.0.1", 0)
    url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, new_client(ssl.create_default_context()) as client:
        call = asyncio.create_task(client.get(url))
        async with asyncio.timeout(60):
            await mute.begun.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await mute.ended.wait()
