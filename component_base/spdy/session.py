"""One end of a connection as a state machine without I/O: bytes in, events and bytes out.

There is no flow control by windows, since no Kubernetes client has it: moby/spdystream neither sends
WINDOW_UPDATE nor heeds it, so a sender that did would stop after 64 KiB for ever. Who cannot take more stops
reading the connection, and TCP does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from component_base.spdy import frames
from component_base.spdy.errors import SpdyError, StreamClosed
from component_base.spdy.frames import FIN, MAX_DATA, Control, Data, FrameReader, ResetStatus, Type
from component_base.spdy.headers import HeaderReader, HeaderWriter


class Opened(NamedTuple):
    """The other side has opened a stream, which `reply` accepts and `reset` refuses."""

    stream: int
    headers: dict[str, str]


class Replied(NamedTuple):
    """The other side has accepted a stream of ours."""

    stream: int


class Received(NamedTuple):
    stream: int
    data: bytes


class Ended(NamedTuple):
    """Nothing more comes from the other side; our direction goes on."""

    stream: int


class Reset(NamedTuple):
    """The other side has given up both directions of a stream."""

    stream: int
    status: int


class GoneAway(NamedTuple):
    """The other side takes no more streams."""


Event = Opened | Replied | Received | Ended | Reset | GoneAway


class _Sides:
    """Which directions of a stream are still open."""

    __slots__ = ("ours", "theirs")

    def __init__(self, *, ours: bool = True) -> None:
        self.ours = ours
        self.theirs = True


class Session:
    """What is to be sent piles up until `take` is called."""

    def __init__(self, *, is_client: bool) -> None:
        self._next_id = 1 if is_client else 2
        self._next_ping = self._next_id
        self._last_received = 0
        self._streams: dict[int, _Sides] = {}
        self._gone_away = False
        self._reader = FrameReader()
        self._header_reader = HeaderReader()
        self._header_writer = HeaderWriter()
        self._outgoing: list[bytes] = []

    # What we do.

    def open(self, headers: Mapping[str, str]) -> int:
        """The number of a new stream. Raises StreamClosed when none can be opened any more."""
        number = self._next_id
        if self._gone_away or number > frames.MAX_ID:
            raise StreamClosed("the connection takes no more streams")
        self._next_id += 2
        self._streams[number] = _Sides()
        head = frames.SYN_STREAM_HEAD.pack(number, 0, 0, 0)
        self._send(Type.SYN_STREAM, head + self._header_writer.encode(headers))
        return number

    def reply(self, stream: int) -> None:
        """Accepts a stream of the other side."""
        if stream in self._streams:
            self._send(Type.SYN_REPLY, frames.WORD.pack(stream) + self._header_writer.encode({}))

    def send(self, stream: int, data: bytes) -> None:
        """Raises StreamClosed."""
        if not self.can_send(stream):
            raise StreamClosed(f"stream {stream} is closed")
        for start in range(0, len(data), MAX_DATA):
            self._outgoing.append(frames.data(stream, data[start : start + MAX_DATA]))

    def end(self, stream: int) -> None:
        """No more from us; harmless where that is so already."""
        sides = self._streams.get(stream)
        if sides is not None and sides.ours:
            self._outgoing.append(frames.data(stream, b"", is_last=True))
            sides.ours = False
            self._forget_if_over(stream, sides)

    def reset(self, stream: int, status: ResetStatus = ResetStatus.CANCEL) -> None:
        """Gives up both directions; harmless where they have ended."""
        if self._streams.pop(stream, None) is not None:
            self._send(Type.RST_STREAM, frames.TWO_WORDS.pack(stream, status))

    def ping(self) -> None:
        self._send(Type.PING, frames.WORD.pack(self._next_ping))
        self._next_ping = (self._next_ping + 2) % frames.MAX_ID

    def go_away(self, *, is_error: bool = False) -> None:
        """Takes no more streams."""
        if not self._gone_away:
            self._gone_away = True
            self._send(Type.GOAWAY, frames.TWO_WORDS.pack(self._last_received, int(is_error)))

    def has(self, stream: int) -> bool:
        """Whether either direction is still open."""
        return stream in self._streams

    def can_send(self, stream: int) -> bool:
        return stream in self._streams and self._streams[stream].ours

    def give_up(self) -> None:
        """The connection is lost, and all streams with it."""
        self._gone_away = True
        self._streams.clear()

    def take(self) -> bytes:
        """What is to be sent."""
        outgoing, self._outgoing = self._outgoing, []
        return b"".join(outgoing)

    # What the other side does.

    def receive(self, arrived: bytes) -> Iterator[Event]:
        """What has happened, one after the other. Raises SpdyError, after which nothing more can be read."""
        for frame in self._reader.feed(arrived):
            if isinstance(frame, Data):
                yield from self._on_data(frame)
            else:
                yield from self._on_control(frame)

    def _on_data(self, frame: Data) -> Iterator[Event]:
        """A stream that is not there any more may still have had data on its way."""
        sides = self._streams.get(frame.stream)
        if sides is not None and sides.theirs:
            if frame.data:
                yield Received(frame.stream, frame.data)
            if frame.is_last:
                yield from self._on_end(frame.stream)

    def _on_end(self, stream: int) -> Iterator[Event]:
        sides = self._streams.get(stream)
        if sides is not None and sides.theirs:
            sides.theirs = False
            self._forget_if_over(stream, sides)
            yield Ended(stream)

    def _on_control(self, frame: Control) -> Iterator[Event]:
        match frame.type:
            case Type.SYN_STREAM:
                yield from self._on_opened(frame)
            case Type.SYN_REPLY | Type.HEADERS:
                yield from self._on_headers(frame)
            case Type.RST_STREAM:
                stream, status = _words(frame, 2)
                if self._streams.pop(stream, None) is not None:
                    yield Reset(stream, status)
            case Type.PING:
                [number] = _words(frame, 1)
                if number % 2 != self._next_ping % 2:
                    self._send(Type.PING, frame.payload)
            case Type.GOAWAY:
                self._gone_away = True
                yield GoneAway()

    def _on_opened(self, frame: Control) -> Iterator[Event]:
        number, *_ = frames.SYN_STREAM_HEAD.unpack(_start(frame, frames.SYN_STREAM_HEAD.size))
        headers = self._header_reader.decode(frame.payload[frames.SYN_STREAM_HEAD.size :])
        if number % 2 == self._next_id % 2 or number <= self._last_received:
            raise SpdyError(f"stream {number} was opened out of turn")
        self._last_received = number
        self._streams[number] = _Sides(ours=not frame.flags & frames.UNIDIRECTIONAL)
        if self._gone_away:
            self.reset(number, ResetStatus.REFUSED_STREAM)
            return
        yield Opened(number, headers)
        if frame.flags & FIN:
            yield from self._on_end(number)

    def _on_headers(self, frame: Control) -> Iterator[Event]:
        """The block must be read in any case: the next one builds on it."""
        [number] = frames.WORD.unpack(_start(frame, frames.WORD.size))
        self._header_reader.decode(frame.payload[frames.WORD.size :])
        if number in self._streams:
            if frame.type == Type.SYN_REPLY:
                yield Replied(number)
            if frame.flags & FIN:
                yield from self._on_end(number)

    def _forget_if_over(self, stream: int, sides: _Sides) -> None:
        if not (sides.ours or sides.theirs):
            self._streams.pop(stream, None)

    def _send(self, kind: Type, payload: bytes) -> None:
        self._outgoing.append(frames.control(kind, payload))


def _start(frame: Control, size: int) -> bytes:
    if len(frame.payload) < size:
        raise SpdyError(f"a control frame of type {frame.type} with {len(frame.payload)} bytes")
    return frame.payload[:size]


def _words(frame: Control, count: int) -> tuple[int, ...]:
    """Numbers of 31 bits."""
    start = _start(frame, count * frames.WORD.size)
    return tuple(word & frames.MAX_ID for [word] in frames.WORD.iter_unpack(start))
