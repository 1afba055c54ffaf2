"""Our gRPC client against Google's server: calls, streams, flow control, deadlines, servers that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from component_base.grpc.channel import Channel, Endpoint
from component_base.grpc.status import Code, GrpcError
from tests.fakes.etcd_server import free_port

ECHO, REFUSE, SLEEP, TALK, COUNT = "/t.T/Echo", "/t.T/Refuse", "/t.T/Sleep", "/t.T/Talk", "/t.T/Count"
PATIENCE = 60.0
"""Seconds for what comes, sooner or later."""
LARGE = 6 * 1024 * 1024
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Server:
    """A server of five methods that counts the calls it was given."""

    def __init__(self, port: int) -> None:
        self.endpoint = Endpoint("127.0.0.1", port)
        self.calls = 0
        self.asleep = asyncio.Event()
        self.cancelled = asyncio.Event()
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_insecure_port(self.endpoint.authority)
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        methods = {
            "Echo": unary(self._echo),
            "Refuse": unary(self._refuse),
            "Sleep": unary(self._sleep),
            "Talk": stream(self._talk),
            "Count": grpc.unary_stream_rpc_method_handler(self._count),
        }
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("t.T", methods)])

    async def start(self) -> None:
        await self._server.start()

    async def stop(self, grace: float | None = None) -> None:
        await self._server.stop(grace)

    async def _echo(self, request: bytes, context: Any) -> bytes:
        self.calls += 1
        return request

    async def _refuse(self, request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "nö, 100 % not here")
        raise AssertionError

    async def _sleep(self, request: bytes, context: Any) -> bytes:
        self.asleep.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError

    async def _talk(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request * 2

    async def _count(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(int(request)):
            yield b"%d" % number * 1000


@asynccontextmanager
async def serving(port: int | None = None) -> AsyncIterator[Server]:
    server = Server(port or free_port())
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def connected(*endpoints: Endpoint) -> AsyncIterator[Channel]:
    channel = Channel(endpoints)
    try:
        yield channel
    finally:
        await channel.aclose()


async def test_calls_at_once_get_each_its_own_answer() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        messages = [b"%d" % number * number for number in range(200)]
        assert await asyncio.gather(*(channel.unary(ECHO, each, PATIENCE) for each in messages)) == messages


async def test_large_messages_pass_both_ways_at_once() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        messages = [bytes([number]) * LARGE for number in range(4)]
        assert await asyncio.gather(*(channel.unary(ECHO, each, PATIENCE) for each in messages)) == messages


async def test_an_error_of_the_server_arrives_with_its_words() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        with pytest.raises(GrpcError) as caught:
            await channel.unary(REFUSE, b"", PATIENCE)
        assert (caught.value.code, caught.value.details) == (Code.NOT_FOUND, "nö, 100 % not here")
        with pytest.raises(GrpcError) as caught:
            await channel.unary("/t.T/Unheard", b"", PATIENCE)
        assert caught.value.code is Code.UNIMPLEMENTED


async def test_a_call_that_takes_too_long_ends_on_both_sides() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        await channel.unary(ECHO, b"", PATIENCE)  # connecting is not to count
        with pytest.raises(GrpcError) as caught:
            await channel.unary(SLEEP, b"", 0.5)
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        await asyncio.wait_for(server.cancelled.wait(), PATIENCE)


async def test_a_cancelled_caller_cancels_the_call() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        caller = asyncio.create_task(channel.unary(SLEEP, b"", 60))
        await asyncio.wait_for(server.asleep.wait(), PATIENCE)
        caller.cancel()
        await asyncio.wait_for(server.cancelled.wait(), PATIENCE)
        assert await channel.unary(ECHO, b"on", PATIENCE) == b"on"


async def test_a_stream_goes_both_ways() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        async with channel.stream(TALK, PATIENCE) as stream:
            for word in (b"a", b"bc", b"d" * 100_000):
                stream.write(word)
                assert await stream.read() == word * 2
        assert await channel.unary(ECHO, b"after", PATIENCE) == b"after"


async def test_a_stream_of_many_messages_ends_with_none() -> None:
    async with (
        serving() as server,
        connected(server.endpoint) as channel,
        channel.stream(COUNT, PATIENCE) as stream,
    ):
        stream.write(b"3000")
        for number in range(3000):
            assert await stream.read() == b"%d" % number * 1000
        assert await stream.read() is None
        assert await stream.read() is None


async def test_an_error_of_a_stream_reaches_its_reader() -> None:
    async with serving() as server, connected(server.endpoint) as channel:
        await channel.unary(ECHO, b"", PATIENCE)
        with pytest.raises(GrpcError):
            async with channel.stream("/t.T/Unheard", PATIENCE) as stream:
                await stream.read()


async def test_a_server_that_comes_late_is_waited_for() -> None:
    port = free_port()
    async with connected(Endpoint("127.0.0.1", port)) as channel:
        early = asyncio.create_task(channel.unary(ECHO, b"early", PATIENCE))
        await asyncio.wait([early], timeout=0.1)
        async with serving(port):
            assert await early == b"early"


async def test_without_a_server_the_time_ends_the_wait() -> None:
    async with connected(Endpoint("127.0.0.1", free_port())) as channel:
        with pytest.raises(GrpcError, match="no connection") as caught:
            await channel.unary(ECHO, b"", 0.3)
        assert caught.value.code is Code.UNAVAILABLE


async def test_a_call_under_way_fails_with_the_server_and_the_next_finds_another() -> None:
    async with serving() as one, serving() as two, connected(one.endpoint, two.endpoint) as channel:
        sleeping = asyncio.create_task(channel.unary(SLEEP, b"", 60))
        await asyncio.wait_for(one.asleep.wait(), PATIENCE)
        await one.stop()
        with pytest.raises(GrpcError):
            await sleeping
        assert await channel.unary(ECHO, b"next", PATIENCE) == b"next"
        assert (one.calls, two.calls) == (0, 1)


async def test_moving_on_lets_calls_under_way_end() -> None:
    async with serving() as one, serving() as two, connected(one.endpoint, two.endpoint) as channel:
        async with channel.stream(TALK, PATIENCE) as stream:
            channel.move_on("a test")
            assert await channel.unary(ECHO, b"x", PATIENCE) == b"x"
            stream.write(b"still")
            assert await stream.read() == b"stillstill"
        assert (one.calls, two.calls) == (0, 1)


async def test_what_does_not_speak_http2_is_no_server() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connected(Endpoint("127.0.0.1", port)) as channel:
        with pytest.raises(GrpcError, match="no connection"):
            await channel.unary(ECHO, b"", 0.3)
