"""The pure parts of the gRPC client: frames, messages put together again, statuses."""

from __future__ import annotations

import asyncio
import gc

import pytest

from component_base.grpc import frames
from component_base.grpc.call import MESSAGE_HEAD, Call
from component_base.grpc.channel import Endpoint
from component_base.grpc.connection import Connection
from component_base.grpc.frames import Frame, FrameReader, Type
from component_base.grpc.status import Code, GrpcError, error_in


class Collecting(Call):
    """A call that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(1, 0)
        self.messages: list[bytes] = []

    def deliver(self, message: bytes) -> None:
        self.messages.append(message)

    def end(self, error: GrpcError | None) -> None:
        pass


def message(content: bytes) -> bytes:
    return MESSAGE_HEAD.pack(0, len(content)) + content


WIRE = frames.encode(Type.PING, 0, 0, b"12345678") + frames.encode(Type.DATA, 1, 3, b"x" * 70_000)


@pytest.mark.parametrize("size", [1, 8, 9, 10, 1000, len(WIRE)])
def test_frames_are_whole_however_they_arrive(size: int) -> None:
    reader = FrameReader()
    pieces = [WIRE[start : start + size] for start in range(0, len(WIRE), size)]
    found = [frame for piece in pieces for frame in reader.feed(piece)]
    assert found == [Frame(Type.PING, 0, 0, b"12345678"), Frame(Type.DATA, 1, 3, b"x" * 70_000)]


@pytest.mark.parametrize("size", [1, 4, 5, 6, 100, 10_000])
def test_messages_are_whole_however_they_arrive(size: int) -> None:
    wanted = [b"", b"a", b"b" * 3000, b""]
    wire = b"".join(map(message, wanted))
    call = Collecting()
    for start in range(0, len(wire), size):
        call.feed(wire[start : start + size])
    assert call.messages == wanted


def test_a_compressed_message_is_refused() -> None:
    with pytest.raises(GrpcError, match="compressed"):
        Collecting().feed(MESSAGE_HEAD.pack(1, 1) + b"x")


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        pytest.param(Frame(Type.DATA, 0, 1, b"abc"), b"abc", id="plain"),
        pytest.param(Frame(Type.DATA, frames.PADDED, 1, b"\2abc\0\0"), b"abc", id="padded"),
        pytest.param(Frame(Type.HEADERS, frames.PRIORITY, 1, b"12345abc"), b"abc", id="with a priority"),
        pytest.param(
            Frame(Type.HEADERS, frames.PADDED | frames.PRIORITY, 1, b"\x0112345abc\0"), b"abc", id="with both"
        ),
    ],
)
def test_padding_and_priority_are_taken_off(frame: Frame, expected: bytes) -> None:
    assert frames.unpadded(frame) == expected


async def test_a_connection_that_is_closed_refuses_calls_and_leaves_nothing_behind() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    connection = Connection("x", "test", secure=False)
    connection.close("the server is going away")
    with pytest.raises(GrpcError, match="going away"):
        connection.unary("/a", b"", 1.0)
    with pytest.raises(GrpcError, match="going away"):
        connection.stream("/a")
    del connection
    gc.collect()
    assert complaints == []


class Closings(asyncio.Transport):
    """Counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return self.count > 0

    def close(self) -> None:
        self.count += 1

    def abort(self) -> None:
        pass


async def test_a_connection_is_closed_once_however_often_that_is_asked() -> None:
    transport = Closings()
    connection = Connection("x", "test", secure=False)
    connection.connection_made(transport)
    connection.close("the server is going away")
    connection.abort("nobody waits for it")
    assert transport.count == 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({":status": "200", "grpc-status": "0"}, None, id="good"),
        pytest.param(
            {"grpc-status": "3", "grpc-message": "caf%C3%A9 100%25"},
            (Code.INVALID_ARGUMENT, "café 100%"),
            id="a message in percent encoding",
        ),
        pytest.param({"grpc-status": "99"}, (Code.UNKNOWN, ""), id="a code of another time"),
        pytest.param({"grpc-status": "x"}, (Code.UNKNOWN, ""), id="no number"),
        pytest.param(
            {":status": "503"}, (Code.UNAVAILABLE, "unexpected HTTP status code: 503"), id="no gRPC at all"
        ),
    ],
)
def test_how_a_call_ended(headers: dict[str, str], expected: tuple[Code, str] | None) -> None:
    error = error_in(headers)
    assert (None if error is None else (error.code, error.details)) == expected


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        ("https://a:1", Endpoint("a", 1, secure=True), "a:1"),
        ("http://a", Endpoint("a", 2379), "a:2379"),
        ("a:1", Endpoint("a", 1), "a:1"),
        ("https://[::1]:5", Endpoint("::1", 5, secure=True), "[::1]:5"),
        ("unix:///run/x.sock:0", Endpoint("/run/x.sock:0"), "localhost"),
    ],
)
def test_endpoints(url: str, expected: Endpoint, authority: str) -> None:
    endpoint = Endpoint.parse(url, 2379)
    assert (endpoint, endpoint.authority) == (expected, authority)
