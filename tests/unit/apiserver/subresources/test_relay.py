"""What a back end that breaks off in the midst of its answer becomes."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.subresources.relay import DialError, Relay, read_body


async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n\r\nnot all")
    await writer.drain()
    writer.close()


async def test_an_answer_that_breaks_off_is_an_error_of_the_back_end() -> None:
    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    relay = Relay(True)
    async with server:
        async with relay.open("GET", f"http://{address}/") as answer:
            assert answer.status_code == 500
            with pytest.raises(DialError, match="unexpected EOF"):
                await read_body(answer)
        with pytest.raises(DialError, match="unexpected EOF"):
            await relay.read(f"http://{address}/")
        await relay.aclose()
