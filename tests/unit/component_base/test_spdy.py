"""SPDY without a network: header blocks, frames, and two sessions that talk to one another."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest

from component_base.spdy import frames
from component_base.spdy.errors import SpdyError, StreamClosed
from component_base.spdy.frames import FIN, Control, Data, FrameReader, ResetStatus, Type
from component_base.spdy.headers import DICTIONARY, MAX_BLOCK, HeaderReader, HeaderWriter
from component_base.spdy.session import Ended, Event, GoneAway, Opened, Received, Replied, Reset, Session

HEADERS = {"streamtype": "data", "port": "8080", "requestid": "0"}


def test_the_dictionary_is_that_of_the_specification() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)
    assert HeaderWriter().encode({})[2:6] == bytes.fromhex("e3c6a7c2"), "zlib names it in the first block"


def test_header_blocks_build_on_one_another() -> None:
    writer, reader = HeaderWriter(), HeaderReader()
    blocks = [writer.encode(HEADERS) for _ in range(3)]
    assert len(blocks[1]) < len(blocks[0])
    assert [reader.decode(block) for block in blocks] == [HEADERS] * 3


def test_names_are_lower_case_on_the_wire() -> None:
    assert HeaderReader().decode(HeaderWriter().encode({"streamType": "stdin"})) == {"streamtype": "stdin"}


def deflated(plain: bytes, dictionary: bytes = DICTIONARY) -> bytes:
    deflate = zlib.compressobj(zdict=dictionary)
    return deflate.compress(plain) + deflate.flush(zlib.Z_SYNC_FLUSH)


BAD_BLOCKS = {
    "no zlib": b"\0\1\2\3",
    "another dictionary": deflated(b"\0\0\0\0", b"get post"),
    "no number": deflated(b"\0\0"),
    "fewer pairs than said": deflated(b"\0\0\0\2" + b"\0\0\0\1a\0\0\0\1b"),
    "a value cut short": deflated(b"\0\0\0\1" + b"\0\0\0\1a\0\0\0\x09b"),
    "a bomb": deflated(b"\0\0\0\1\0\0\0\1a" + frames.WORD.pack(2 * MAX_BLOCK) + b"b" * 2 * MAX_BLOCK),
}


@pytest.mark.parametrize("block", BAD_BLOCKS.values(), ids=BAD_BLOCKS.keys())
def test_a_bad_header_block_is_refused(block: bytes) -> None:
    with pytest.raises(SpdyError):
        HeaderReader().decode(block)


WIRE = (
    frames.control(Type.PING, frames.WORD.pack(1))
    + frames.data(3, b"x" * 3000)
    + frames.data(3, b"", is_last=True)
    + frames.data(5, b"yz", is_last=True)
    + frames.control(Type.SETTINGS, b"12345", flags=1)
)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 12, 100, len(WIRE)])
def test_frames_are_the_same_however_they_arrive(size: int) -> None:
    reader = FrameReader()
    found = [
        frame for start in range(0, len(WIRE), size) for frame in reader.feed(WIRE[start : start + size])
    ]
    assert [frame for frame in found if isinstance(frame, Control)] == [
        Control(Type.PING, 0, frames.WORD.pack(1)),
        Control(Type.SETTINGS, 1, b"12345"),
    ]
    pieces = [frame for frame in found if isinstance(frame, Data)]
    assert b"".join(piece.data for piece in pieces if piece.stream == 3) == b"x" * 3000
    assert b"".join(piece.data for piece in pieces if piece.stream == 5) == b"yz"
    assert [(piece.stream, piece.is_last) for piece in pieces if piece.is_last] == [(3, True), (5, True)]


def test_a_small_frame_has_the_bytes_of_the_specification() -> None:
    assert frames.control(Type.RST_STREAM, frames.TWO_WORDS.pack(1, ResetStatus.CANCEL)) == bytes.fromhex(
        "80030003 00000008 00000001 00000005"
    )
    assert frames.data(7, b"hi", is_last=True) == bytes.fromhex("00000007 01000002 6869")


class Pair:
    """A client and a server; `to_server` and `to_client` carry what was said and tell what happened."""

    def __init__(self) -> None:
        self.client = Session(is_client=True)
        self.server = Session(is_client=False)

    def to_server(self) -> list[Event]:
        return list(self.server.receive(self.client.take()))

    def to_client(self) -> list[Event]:
        return list(self.client.receive(self.server.take()))

    def open(self) -> int:
        stream = self.client.open(HEADERS)
        assert self.to_server() == [Opened(stream, HEADERS)]
        self.server.reply(stream)
        assert self.to_client() == [Replied(stream)]
        return stream


def test_streams_have_odd_numbers_from_a_client_and_even_ones_from_a_server() -> None:
    pair = Pair()
    assert [pair.open(), pair.open()] == [1, 3]
    assert pair.server.open({}) == 2
    assert pair.to_client() == [Opened(2, {})]


def test_each_direction_ends_by_itself() -> None:
    pair = Pair()
    stream = pair.open()
    pair.client.send(stream, b"question")
    pair.client.end(stream)
    assert pair.to_server() == [Received(stream, b"question"), Ended(stream)]
    assert pair.server.has(stream)
    pair.server.send(stream, b"answer")
    pair.server.end(stream)
    assert pair.to_client() == [Received(stream, b"answer"), Ended(stream)]
    assert not pair.client.has(stream)
    assert not pair.server.has(stream)


def test_nothing_is_sent_after_the_end() -> None:
    pair = Pair()
    stream = pair.open()
    pair.client.end(stream)
    pair.client.end(stream)
    assert pair.to_server() == [Ended(stream)]
    with pytest.raises(StreamClosed):
        pair.client.send(stream, b"more")


def test_a_reset_ends_both_directions_and_late_data_is_dropped() -> None:
    pair = Pair()
    stream = pair.open()
    pair.client.send(stream, b"under way")
    pair.server.reset(stream)
    assert pair.to_server() == []
    assert pair.to_client() == [Reset(stream, ResetStatus.CANCEL)]
    with pytest.raises(StreamClosed):
        pair.client.send(stream, b"more")


def test_large_data_is_cut_into_frames() -> None:
    pair = Pair()
    stream = pair.open()
    data = bytes(frames.MAX_DATA + 10)
    pair.client.send(stream, data)
    assert sum(len(event.data) for event in pair.to_server() if isinstance(event, Received)) == len(data)


def test_a_ping_is_answered_and_its_answer_is_not() -> None:
    pair = Pair()
    pair.client.ping()
    assert pair.to_server() == []
    answer = pair.server.take()
    assert answer == frames.control(Type.PING, frames.WORD.pack(1))
    assert list(pair.client.receive(answer)) == []
    assert pair.client.take() == b""


def test_after_going_away_no_stream_is_opened_and_the_others_go_on() -> None:
    pair = Pair()
    stream = pair.open()
    pair.server.go_away()
    late = pair.client.open({})
    assert pair.to_server() == []
    assert pair.to_client() == [GoneAway(), Reset(late, ResetStatus.REFUSED_STREAM)]
    with pytest.raises(StreamClosed):
        pair.client.open({})
    pair.client.send(stream, b"still here")
    assert pair.to_server() == [Received(stream, b"still here")]


def test_frames_that_do_not_concern_us_are_ignored() -> None:
    pair = Pair()
    stream = pair.open()
    unknown = frames.control(77, b"what?")
    window = frames.control(Type.WINDOW_UPDATE, frames.TWO_WORDS.pack(stream, 1000))
    assert list(pair.server.receive(unknown + window)) == []


def test_a_stream_may_be_opened_and_ended_in_one() -> None:
    head = frames.SYN_STREAM_HEAD.pack(1, 0, 0, 0)
    frame = frames.control(Type.SYN_STREAM, head + HeaderWriter().encode({"a": "b"}), flags=FIN)
    assert list(Session(is_client=False).receive(frame)) == [Opened(1, {"a": "b"}), Ended(1)]


def syn_stream(number: int, writer: HeaderWriter) -> bytes:
    return frames.control(
        Type.SYN_STREAM, frames.SYN_STREAM_HEAD.pack(number, 0, 0, 0) + writer.encode(HEADERS)
    )


def twice(number: int) -> bytes:
    writer = HeaderWriter()
    return syn_stream(number, writer) + syn_stream(number, writer)


BREACHES: dict[str, Callable[[], bytes]] = {
    "HTTP": lambda: b"\xc8TTP/1.1 200 OK\r\n",
    "another version": lambda: b"\x80\x02\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01",
    "a control frame beyond all measure": lambda: b"\x80\x03\x00\x01\x00\xff\xff\xff",
    "a stream of our own": lambda: syn_stream(2, HeaderWriter()),
    "a stream opened twice": lambda: twice(1),
    "a reset of nothing": lambda: frames.control(Type.RST_STREAM, b"\0\0"),
    "an empty ping": lambda: frames.control(Type.PING, b""),
    "a stream without a number": lambda: frames.control(Type.SYN_STREAM, b"\0\0\0"),
}


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_of_the_protocol_is_an_error(breach: Callable[[], bytes]) -> None:
    with pytest.raises(SpdyError):
        list(Session(is_client=False).receive(breach()))
