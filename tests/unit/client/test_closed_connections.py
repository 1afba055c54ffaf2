"""A connection's buffers go with it, not when the garbage collector comes round."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from weakref import WeakSet, finalize

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.server import HttpServer as ApiServer
from client.connection import Connection
from component_base.http_server import HttpServer, Request, Response

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(_: Request) -> Response:
    return Response(b"ok")


async def application(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def api_server() -> tuple[int, Callable[[], Awaitable[None]]]:
    server = ApiServer(application)
    return await server.start("127.0.0.1", 0, None), server.aclose


async def small_server() -> tuple[int, Callable[[], Awaitable[None]]]:
    server = HttpServer(answer)
    return await server.start("127.0.0.1", 0), server.aclose


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def ends() -> WeakSet[asyncio.Protocol]:
    """Those that there are of any connection, in this process."""
    return WeakSet(it for it in gc.get_objects() if isinstance(it, asyncio.Protocol))


def departures(those: WeakSet[asyncio.Protocol]) -> list[asyncio.Event]:
    """For each of them one that is set when it is freed."""
    events = [asyncio.Event() for _ in those]
    for it, event in zip(those, events, strict=True):
        finalize(it, event.set)
    return events


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("start", [api_server, small_server])
async def test_nothing_is_left_of_a_connection_that_is_closed(
    start: Callable[[], Awaitable[tuple[int, Callable[[], Awaitable[None]]]]],
) -> None:
    before = ends()
    port, aclose = await start()
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    connection.start(REQUEST)
    await connection.read_head()
    assert await connection.read_all() == b"ok"
    gone = departures(ends() - before)
    assert len(gone) == 2
    await connection.aclose()
    del connection
    async with asyncio.timeout(10):
        for each in gone:
            await each.wait()
    await aclose()
