"""SPDY connections over streams in memory: what readers, writers and openers of streams see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from component_base.spdy.connection import Connection, Stream
from component_base.spdy.errors import SpdyError, StreamClosed
from tests.fakes.byte_streams import pair


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Connection, Connection]]:
    """A client and a server that run."""
    wires = pair()
    client, server = Connection(wires[0], is_client=True), Connection(wires[1], is_client=False)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for each in (client, server):
            group.create_task(each.run())
        yield client, server
        client.close()


async def open_stream(client: Connection, server: Connection) -> tuple[Stream, Stream]:
    opening = asyncio.create_task(client.open({"streamtype": "data"}))
    theirs = await server.opened()
    assert theirs is not None
    theirs.accept()
    return await opening, theirs


async def read_all(stream: Stream) -> bytes:
    return b"".join([piece async for piece in _pieces(stream)])


async def _pieces(stream: Stream) -> AsyncIterator[bytes]:
    while piece := await stream.read():
        yield piece


async def test_bytes_go_both_ways_until_each_side_has_ended() -> None:
    async with joined() as (client, server):
        ours, theirs = await open_stream(client, server)
        assert theirs.headers == {"streamtype": "data"}
        ours.write(b"ping")
        ours.end()
        assert await read_all(theirs) == b"ping"
        theirs.write(b"pong")
        theirs.end()
        assert await read_all(ours) == b"pong"


async def test_a_refused_stream_cannot_be_opened() -> None:
    async with joined() as (client, server):
        opening = asyncio.create_task(client.open({}))
        stream = await server.opened()
        assert stream is not None
        stream.reset()
        with pytest.raises(StreamClosed):
            await opening


async def test_a_reader_that_does_not_read_holds_up_the_writer() -> None:
    size, piece = 0, bytes(1 << 14)
    async with joined() as (client, server):
        ours, theirs = await open_stream(client, server)

        async def write() -> None:
            nonlocal size
            while size < 1 << 24:
                ours.write(piece)
                await ours.drain()
                size += len(piece)
            ours.end()

        writing = asyncio.create_task(write())
        await asyncio.wait([writing], timeout=0.2)
        assert size < 1 << 20, "a megabyte is more than all buffers on the way together"
        assert len(await read_all(theirs)) == 1 << 24
        await writing


async def test_a_reset_stream_lets_the_others_go_on() -> None:
    async with joined() as (client, server):
        (stuck, unread), (ours, theirs) = await open_stream(client, server), await open_stream(client, server)
        stuck.write(bytes(1 << 20))
        await stuck.drain()
        ours.write(b"after all")
        reading = asyncio.create_task(theirs.read())
        await asyncio.wait([reading], timeout=0.1)
        assert not reading.done()
        unread.reset()
        assert await reading == b"after all"
        with pytest.raises(ConnectionResetError):
            await stuck.read()
        with pytest.raises(StreamClosed):
            await stuck.drain()


async def test_the_end_of_the_connection_ends_all_that_waits() -> None:
    wires = pair()
    client = Connection(wires[0], is_client=True)
    running = asyncio.create_task(client.run())
    opening = asyncio.create_task(client.open({}))
    accepting = asyncio.create_task(client.opened())
    await asyncio.sleep(0)
    wires[1].close()
    await running
    with pytest.raises(StreamClosed):
        await opening
    assert await accepting is None
    assert await client.opened() is None
    with pytest.raises(StreamClosed):
        await client.open({})


async def test_who_does_not_speak_spdy_is_told_and_left() -> None:
    wires = pair()
    server = Connection(wires[1], is_client=False)
    wires[0].write(b"\x80\x63GET / HTTP/1.1")
    with pytest.raises(SpdyError):
        await server.run()
    assert (await wires[0].read())[:4] == b"\x80\x03\x00\x07", "GOAWAY"
