"""HTTP/2 frames: nine bytes of head and a payload (RFC 9113, section 4)."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = Struct(">HBBBI")
"""Length (upper 16 bits, lower 8 bits), type, flags, stream."""
SETTING = Struct(">HI")
WORD = Struct(">I")
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_SIZE = 16_384
MAX_WINDOW = 2**31 - 1

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
CANCEL, REFUSED_STREAM = 8, 7


class Type(IntEnum):
    """The types of frames that a client sends or gets without push."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


class Frame(NamedTuple):
    """`type` is a plain number: frames of unknown types are to be ignored."""

    type: int
    flags: int
    stream: int
    payload: bytes


def encode(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    return HEAD.pack(len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def settings(values: dict[Setting, int]) -> bytes:
    return encode(Type.SETTINGS, 0, 0, b"".join(SETTING.pack(*pair) for pair in values.items()))


def window_update(stream: int, size: int) -> bytes:
    return encode(Type.WINDOW_UPDATE, 0, stream, WORD.pack(size))


def unpadded(frame: Frame) -> bytes:
    """The payload of a DATA or HEADERS frame without padding and priority."""
    payload, flags = frame.payload, frame.flags
    if flags & PADDED:
        payload = payload[1 : len(payload) - payload[0]]
    if flags & PRIORITY and frame.type == Type.HEADERS:
        payload = payload[5:]
    return payload


class FrameReader:
    """Cuts what arrives into frames; keeps the beginning of one that is not whole yet."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        position, size = 0, len(data)
        while size - position >= HEAD.size:
            upper, lower, kind, flags, stream = HEAD.unpack_from(data, position)
            end = position + HEAD.size + (upper << 8 | lower)
            if end > size:
                break
            frames.append(Frame(kind, flags, stream & MAX_WINDOW, data[position + HEAD.size : end]))
            position = end
        self._rest = data[position:]
        return frames
