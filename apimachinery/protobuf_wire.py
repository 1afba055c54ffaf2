"""Protobuf's wire format, as little as is needed of it: varints, and the numbered fields of a message.

What the numbers mean is for callers to know. Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, LENGTH = 0, 1, 2
"""How a value is written, as its key tells."""


class ProtobufError(ValueError):
    """Bytes that are no object of the kind they should be."""


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The numbered values of a message: varints as int, everything else as bytes."""
    position, end = 0, len(data)
    while position < end:
        key, position = _varint(data, position)
        wire = key & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if wire == 2:
            length, position = _varint(data, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ProtobufError(f"proto: illegal wireType {wire}")
        if position + length > end:
            raise ProtobufError("unexpected EOF")
        yield key >> 3, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ProtobufError("proto: integer overflow")
    raise ProtobufError("unexpected EOF")


def encode_varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as 64 bits in two's complement."""
    if value < 0:
        value += 1 << 64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def key(number: int, wire: int) -> bytes:
    """What stands before a value."""
    return encode_varint(number << 3 | wire)


def delimited(number: int, data: bytes) -> bytes:
    """A text, bytes or message, with its number and length."""
    return key(number, LENGTH) + encode_varint(len(data)) + data
