"""Connections from the apiserver to others: none stays open that nobody waits for any more, and one that the
other side gives up is no failure."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest

from apiserver.http_client import new_client
from tests.fakes.http_server import Exchange, scripted


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


class Once:
    """Answers the first request of each connection, and hangs up at the second as if it had been idle."""

    def __init__(self) -> None:
        self._last = 0

    async def __call__(self, exchange: Exchange) -> None:
        if exchange.connection == self._last:
            exchange.close()
        else:
            self._last = exchange.connection
            await exchange.answer()


async def test_a_kept_connection_that_ends_at_its_next_request_is_no_failure() -> None:
    async with scripted(Once()) as server, new_client(False) as client:
        for _ in range(3):
            assert (await client.get(f"http://127.0.0.1:{server.port}/")).status_code == 200
        assert server.connections == 3


async def test_what_is_not_safe_to_repeat_is_not_sent_again() -> None:
    async with scripted(Once()) as server, new_client(False) as client:
        url = f"http://127.0.0.1:{server.port}/"
        await client.get(url)
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(url)
        assert len(server.exchanges) == 2


async def hang_up(exchange: Exchange) -> None:
    exchange.close()


async def test_who_never_answers_is_asked_once() -> None:
    async with scripted(hang_up) as server, new_client(False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"http://127.0.0.1:{server.port}/")
        assert len(server.exchanges) == 1
