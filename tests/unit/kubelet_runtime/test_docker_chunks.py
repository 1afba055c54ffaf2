"""A body in chunks comes out as it was, however it arrives, and what arrives together stays together."""

from __future__ import annotations

import asyncio

import pytest

from kubelet.runtime.docker.chunks import ChunkedBody
from kubelet.runtime.docker.connection import Connection
from kubelet.runtime.docker.logs import LogText
from kubelet.runtime.interface import RuntimeUnavailable

LINES = [b"one\r\n", b"x" * 300, b"\n", b"a;b"]
BODY = b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in LINES)
END = b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1 << 16])
def test_chunks_are_taken_apart_however_they_arrive(size: int) -> None:
    body, wire = ChunkedBody(), BODY + END
    found = [body.feed(wire[at : at + size]) for at in range(0, len(wire), size)]
    assert b"".join(found) == b"".join(LINES)
    assert body.is_whole


def test_extensions_and_trailers_are_no_data() -> None:
    body = ChunkedBody()
    assert body.feed(b"3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n") == b"abc"
    assert body.is_whole


def connection_with(wire: bytes) -> Connection:
    reader = asyncio.StreamReader()
    reader.feed_data(wire)
    reader.feed_eof()
    connection = Connection("unix:///docker.sock", reader, None)  # type: ignore[arg-type]
    connection.headers = {"transfer-encoding": "chunked"}
    connection.status = 200
    return connection


async def test_chunks_that_are_there_come_as_one_piece() -> None:
    assert [each async for each in connection_with(BODY + END).pieces()] == [b"".join(LINES)]


async def test_a_body_that_breaks_off_is_no_whole_one() -> None:
    pieces = connection_with(BODY).pieces()
    assert await anext(pieces) == b"".join(LINES)
    with pytest.raises(RuntimeUnavailable):
        await anext(pieces)


FRAME = b"\x01\0\0\0\0\0\0\x02a\n"
STAMP = b"2026-11-29T08:07:44.473096176Z "
STAMPED = b"\x02\0\0\0" + (len(STAMP) + 2).to_bytes(4, "big") + STAMP + b"b\n"


@pytest.mark.parametrize(
    ("tty", "timestamps", "piece", "expected"),
    [
        pytest.param(False, False, FRAME * 3, b"a\n" * 3, id="frames"),
        pytest.param(False, True, STAMPED * 2, (STAMP + b"b\n") * 2, id="frames with stamps"),
        pytest.param(True, False, FRAME, FRAME, id="a terminal has no frames"),
    ],
)
def test_a_piece_of_a_log_is_read_as_one(tty: bool, timestamps: bool, piece: bytes, expected: bytes) -> None:
    assert LogText(tty=tty, timestamps=timestamps).feed(piece) == expected
