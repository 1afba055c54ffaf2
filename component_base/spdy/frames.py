"""The frames of SPDY/3.1: eight bytes of head, then control data or a stream's bytes (SPDY/3, 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from component_base.spdy.errors import SpdyError

VERSION = 3
FIN, UNIDIRECTIONAL = 1, 2
MAX_CONTROL = 1 << 17
MAX_DATA = (1 << 24) - 1
MAX_ID = (1 << 31) - 1
WORD = Struct(">I")
TWO_WORDS = Struct(">II")
SYN_STREAM_HEAD = Struct(">IIBB")
"""The stream, the one it belongs to, its priority, a slot for certificates."""

_HEAD = Struct(">II")
_CONTROL = 1 << 31


class Type(IntEnum):
    """Of control frames."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class ResetStatus(IntEnum):
    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    CANCEL = 5


class Control(NamedTuple):
    """`type` is a plain number: frames of unknown types are to be ignored."""

    type: int
    flags: int
    payload: bytes


class Data(NamedTuple):
    """A piece of a data frame, perhaps not all of it; `is_last` ends the stream's direction."""

    stream: int
    data: bytes
    is_last: bool


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return _HEAD.pack(_CONTROL | VERSION << 16 | kind, flags << 24 | len(payload)) + payload


def data(stream: int, payload: bytes, *, is_last: bool = False) -> bytes:
    return _HEAD.pack(stream, (FIN if is_last else 0) << 24 | len(payload)) + payload


class FrameReader:
    """Cuts what arrives into frames: control frames whole, data as soon as it is there."""

    def __init__(self) -> None:
        self._rest = b""
        self._arriving: tuple[int, int, bool] | None = None
        """The data frame under way: its stream, the bytes still to come, whether it is the last."""

    def feed(self, arrived: bytes) -> Iterator[Control | Data]:
        """To be read to its end. Raises SpdyError for what cannot be SPDY/3.1."""
        view = memoryview(self._rest + arrived)
        while view:
            frame, used = self._next(view)
            if frame is None:
                break
            yield frame
            view = view[used:]
        self._rest = bytes(view)

    def _next(self, view: memoryview) -> tuple[Control | Data | None, int]:
        """A frame, and how many bytes it took."""
        if self._arriving is not None:
            return self._piece(view, *self._arriving)
        if len(view) < _HEAD.size:
            return None, 0
        first, second = _HEAD.unpack_from(view)
        flags, size = second >> 24, second & MAX_DATA
        if first & _CONTROL:
            return _control_frame(view, first, flags, size)
        piece, used = self._piece(view[_HEAD.size :], first, size, bool(flags & FIN))
        return piece, _HEAD.size + used

    def _piece(self, view: memoryview, stream: int, size: int, is_last: bool) -> tuple[Data, int]:
        piece = bytes(view[:size])
        left = size - len(piece)
        self._arriving = (stream, left, is_last) if left else None
        return Data(stream, piece, is_last and not left), len(piece)


def _control_frame(view: memoryview, first: int, flags: int, size: int) -> tuple[Control | None, int]:
    version, end = first >> 16 & 0x7FFF, _HEAD.size + size
    if version != VERSION:
        raise SpdyError(f"a frame of SPDY/{version}")
    if size > MAX_CONTROL:
        raise SpdyError(f"a control frame of {size} bytes")
    if len(view) < end:
        return None, 0
    return Control(first & 0xFFFF, flags, bytes(view[_HEAD.size : end])), end
