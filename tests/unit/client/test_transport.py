"""Connections: kept, dropped, repeated only when that is safe, never handed on half-used."""

import asyncio
import socket
import ssl
from contextlib import aclosing

import pytest

from client.connection import HIGH_WATER, Connection
from client.errors import ConnectionFailed, StaleConnection
from client.transport import AT_ONCE, Transport, dial_error
from tests.fakes.http_server import Exchange, scripted

GET, POST = b"GET", b"POST"


def request(method: bytes = GET, path: bytes = b"/") -> bytes:
    return b"%b %b HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n" % (method, path)


async def answer(exchange: Exchange) -> None:
    await exchange.answer(b"hello")


async def test_a_connection_is_used_again() -> None:
    async with scripted(answer) as server:
        transport = Transport("127.0.0.1", server.port)
        bodies = [(await transport.exchange(GET, request())).body for _ in range(3)]
        await transport.aclose()
    assert (bodies, server.connections) == ([b"hello"] * 3, 1)


async def test_requests_at_the_same_time_get_connections_of_their_own() -> None:
    async with scripted(answer) as server:
        transport = Transport("127.0.0.1", server.port)
        await asyncio.gather(*(transport.exchange(GET, request()) for _ in range(5)))
        await transport.aclose()
    assert server.connections == 5


async def test_so_many_requests_at_a_time_and_no_more() -> None:
    async with scripted(answer) as server:
        transport = Transport("127.0.0.1", server.port)
        await asyncio.gather(*(transport.exchange(GET, request()) for _ in range(3 * AT_ONCE)))
        await transport.aclose()
    assert server.connections == AT_ONCE


async def answer_once_per_connection(exchange: Exchange) -> None:
    """Closes instead of answering, as a server does whose keep-alive has just run out."""
    if exchange.connection in answered:
        exchange.close()
    else:
        answered.add(exchange.connection)
        await exchange.answer(b"hello")


answered: set[int] = set()


@pytest.mark.parametrize(("method", "repeated"), [(GET, True), (POST, False)])
async def test_only_safe_requests_are_repeated_on_a_stale_connection(method: bytes, repeated: bool) -> None:
    answered.clear()
    async with scripted(answer_once_per_connection) as server:
        transport = Transport("127.0.0.1", server.port)
        await transport.exchange(GET, request())
        if repeated:
            assert (await transport.exchange(method, request(method))).body == b"hello"
        else:
            with pytest.raises(StaleConnection):
                await transport.exchange(method, request(method))
        await transport.aclose()


async def test_a_timeout_ends_the_connection() -> None:
    async def late(exchange: Exchange) -> None:
        await asyncio.sleep(0.3)
        await exchange.answer(b"late")

    async with scripted(late) as server:
        transport = Transport("127.0.0.1", server.port)
        with pytest.raises(ConnectionFailed, match="no answer within"):
            await transport.exchange(GET, request(), seconds=0.02)
        server.script = answer
        assert (await transport.exchange(GET, request())).body == b"hello"
        await transport.aclose()
    assert server.connections == 2


async def test_a_cancelled_exchange_never_leaves_its_answer_to_the_next_one() -> None:
    started = asyncio.Event()

    async def slow_then_fast(exchange: Exchange) -> None:
        if "/slow" in exchange.line:
            started.set()
            await asyncio.sleep(0.05)
        await exchange.answer(exchange.line.encode())

    async with scripted(slow_then_fast) as server:
        transport = Transport("127.0.0.1", server.port)
        await transport.exchange(GET, request())
        slow = asyncio.ensure_future(transport.exchange(GET, request(path=b"/slow")))
        await started.wait()
        slow.cancel()
        assert b"/fast" in (await transport.exchange(GET, request(path=b"/fast"))).body
        await transport.aclose()


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async def unframed(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        exchange.close()

    async with scripted(unframed) as server:
        assert (await Transport("127.0.0.1", server.port).exchange(GET, request())).body == b"all of it"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", id="cut short"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="not HTTP"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_a_broken_answer_is_a_failed_connection(data: bytes) -> None:
    async def broken(exchange: Exchange) -> None:
        await exchange.send(data)
        exchange.close()

    async with scripted(broken) as server:
        with pytest.raises(ConnectionFailed):
            await Transport("127.0.0.1", server.port).exchange(GET, request())


async def test_nobody_listening_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailed, match=r"refused|Connect call failed") as caught:
        await Transport("127.0.0.1", 1).exchange(GET, request())
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_stream_is_read_as_it_comes_and_its_connection_kept() -> None:
    more = asyncio.Event()

    async def chunked(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await more.wait()
        await exchange.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async with scripted(chunked) as server:
        transport = Transport("127.0.0.1", server.port)
        pieces = []
        async with aclosing(await transport.open(GET, request())) as stream:
            async for chunk in stream:
                pieces.append(chunk)
                more.set()
        await transport.exchange(GET, request())
        await transport.aclose()
    assert (pieces, server.connections) == ([b"one", b"two"], 1)


async def test_a_slow_reader_stops_the_sender() -> None:
    size = 32 << 20
    sent = asyncio.Event()

    async def flood(exchange: Exchange) -> None:
        await exchange.answer(bytes(size))
        sent.set()

    async with scripted(flood) as server:
        transport = Transport("127.0.0.1", server.port)
        async with aclosing(await transport.open(GET, request())) as stream:
            await asyncio.sleep(0.1)
            assert not sent.is_set()
            assert sum([len(chunk) async for chunk in stream]) == size
        await transport.aclose()


class OpenSocket(asyncio.Transport):
    """Takes what it is given, and says nothing by itself."""

    def write(self, data: object) -> None:
        """Sent."""

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Nothing comes any more."""


@pytest.mark.parametrize(
    ("unread", "reusable"),
    [
        pytest.param(HIGH_WATER, True, id="what fits"),
        pytest.param(HIGH_WATER + 1, False, id="so much that the socket is not read any more"),
    ],
)
async def test_a_connection_whose_answer_nobody_read_is_used_again(unread: int, reusable: bool) -> None:
    connection = Connection()
    connection.connection_made(OpenSocket())
    connection.start(request(), streaming=True)
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % unread + bytes(unread))
    assert connection.is_reusable is reusable


def _unverified(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {message}")
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(111, "[Errno 111] x"), "dial tcp h:1: connect: connection refused"),
        (
            OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"),
            "dial tcp h:1: connect: connection refused",
        ),
        (socket.gaierror(-2, "Name or service not known"), "dial tcp: lookup h: no such host"),
        (OSError(113, "No route to host"), "dial tcp h:1: No route to host"),
        (TimeoutError(), "dial tcp h:1: i/o timeout"),
        (
            _unverified("self-signed certificate in certificate chain"),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ),
        (
            _unverified("certificate has expired"),
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
        ),
    ],
)
def test_why_there_is_no_connection_is_said_as_go_says_it(error: OSError, text: str) -> None:
    assert str(dial_error("h", 1, error)) == text
