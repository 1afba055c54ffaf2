"""Protobuf's scalars, and messages that are one value in JSON (times, quantities, JSON itself), both ways.

A value's type is a letter (s text, i a number, y bytes, b a bool, d a double) or a message in SPECIAL.
Sources: the marshalers of Time, MicroTime, Duration, Quantity, IntOrString, RawExtension and FieldsV1 in
k8s.io/apimachinery, and of JSON in k8s.io/apiextensions-apiserver, v0.34.0.
"""

from __future__ import annotations

import base64
import functools
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from apimachinery.durations import format_duration, parse_duration
from apimachinery.protobuf_wire import ProtobufError, delimited, encode_varint, read_fields
from apimachinery.times import ZERO_TIME, format_micro_time, format_time, time_or_zero

SCALARS = "siybd"
ABSENT: Any = object()
"""Of a message that says that there is nothing."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_META = "apimachinery.pkg.apis.meta.v1"


def scalar(raw: int | bytes, type_: str) -> Any:
    """Raises ProtobufError."""
    if type_ == "d":
        return _double(as_bytes(raw))
    try:
        if type_ == "s":
            return as_bytes(raw).decode()
    except UnicodeDecodeError:
        raise ProtobufError("proto: a string field contains invalid UTF-8") from None
    if type_ == "y":
        return base64.b64encode(as_bytes(raw)).decode()
    if not isinstance(raw, int):
        raise ProtobufError("proto: wrong wireType for a number")
    return bool(raw) if type_ == "b" else _signed(raw)


def _double(raw: bytes) -> int | float:
    """Whole ones are written as integers, as Go writes them in JSON."""
    if len(raw) != struct.calcsize("<d"):
        raise ProtobufError("proto: wrong wireType for a double")
    value: float = struct.unpack("<d", raw)[0]
    return int(value) if value.is_integer() else value


def as_bytes(raw: int | bytes) -> bytes:
    """Raises ProtobufError for a number."""
    if isinstance(raw, bytes):
        return raw
    raise ProtobufError("proto: wrong wireType = 0")


def _signed(value: int) -> int:
    """int32 and int64 travel as 64 bits in two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _numbers(data: bytes) -> dict[int, int]:
    return {number: _signed(value) for number, value in read_fields(data) if isinstance(value, int)}


def _moment(data: bytes) -> datetime | None:
    """An empty Time is Go's zero Time, which JSON writes as null."""
    if not data:
        return None
    parts = _numbers(data)
    return _EPOCH + timedelta(seconds=parts.get(1, 0), microseconds=parts.get(2, 0) // 1000)


def _time(data: bytes) -> Any:
    moment = _moment(data)
    return ABSENT if moment is None else format_time(moment)


def _micro_time(data: bytes) -> Any:
    moment = _moment(data)
    return ABSENT if moment is None else format_micro_time(moment)


def _duration(data: bytes) -> Any:
    return format_duration(_numbers(data).get(1, 0) / 1e9)


def _quantity(data: bytes) -> Any:
    return next((as_bytes(value).decode() for number, value in read_fields(data) if number == 1), "0")


def _int_or_string(data: bytes) -> Any:
    """type (1) is 0 for a number (2) and 1 for text (3)."""
    parts = dict(read_fields(data))
    if parts.get(1):
        return as_bytes(parts.get(3, b"")).decode()
    number = parts.get(2, 0)
    return _signed(number) if isinstance(number, int) else 0


def _raw_json(data: bytes) -> Any:
    """RawExtension, FieldsV1 and JSON hold JSON text in field 1."""
    text = next((as_bytes(value) for number, value in read_fields(data) if number == 1), b"")
    if not text:
        return ABSENT
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProtobufError(str(error)) from None


def _texts(data: bytes) -> Any:
    return [as_bytes(value).decode() for number, value in read_fields(data) if number == 1]


SPECIAL: dict[str, Callable[[bytes], Any]] = {
    f"{_META}.Time": _time,
    f"{_META}.MicroTime": _micro_time,
    f"{_META}.Duration": _duration,
    f"{_META}.FieldsV1": _raw_json,
    f"{_META}.Verbs": _texts,
    "apimachinery.pkg.api.resource.Quantity": _quantity,
    "apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "apimachinery.pkg.runtime.RawExtension": _raw_json,
    "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": _raw_json,
    "api.authentication.v1.ExtraValue": _texts,
    "api.authorization.v1.ExtraValue": _texts,
    "api.certificates.v1.ExtraValue": _texts,
}


Encode = Callable[[Any], bytes]
"""From a JSON value, or None where there is none, to the bytes of a message."""
_SECOND = timedelta(seconds=1)


@functools.lru_cache(maxsize=4096)
def _time_bytes(text: str | None) -> bytes:
    moment = time_or_zero(text)
    return b"" if moment == ZERO_TIME else _timestamp((moment - _EPOCH) // _SECOND, 0)


@functools.lru_cache(maxsize=4096)
def _micro_time_bytes(text: str | None) -> bytes:
    moment = time_or_zero(text)
    seconds = (moment - _EPOCH) // _SECOND
    return b"" if moment == ZERO_TIME else _timestamp(seconds, moment.microsecond * 1000)


def _timestamp(seconds: int, nanos: int) -> bytes:
    return b"\x08" + encode_varint(seconds) + b"\x10" + encode_varint(nanos)


def _duration_bytes(text: str | None) -> bytes:
    return b"\x08" + encode_varint(round(parse_duration(text or "0s") * 1e9))


@functools.lru_cache(maxsize=4096)
def _quantity_bytes(text: str | int | float | None) -> bytes:
    return delimited(1, str(text or "0").encode())


def _int_or_string_bytes(value: int | str | None) -> bytes:
    if isinstance(value, str):
        return b"\x08\x01\x10\x00" + delimited(3, value.encode())
    return b"\x08\x00\x10" + encode_varint(value or 0) + b"\x1a\x00"


def _raw_json_bytes(value: Any) -> bytes:
    return b"" if value is None else delimited(1, orjson.dumps(value))


def _texts_bytes(values: list[str] | None) -> bytes:
    return b"".join(delimited(1, text.encode()) for text in values or ())


ENCODED: dict[str, Encode] = {
    f"{_META}.Time": _time_bytes,
    f"{_META}.MicroTime": _micro_time_bytes,
    f"{_META}.Duration": _duration_bytes,
    f"{_META}.FieldsV1": _raw_json_bytes,
    f"{_META}.Verbs": _texts_bytes,
    "apimachinery.pkg.api.resource.Quantity": _quantity_bytes,
    "apimachinery.pkg.util.intstr.IntOrString": _int_or_string_bytes,
    "apimachinery.pkg.runtime.RawExtension": _raw_json_bytes,
    "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": _raw_json_bytes,
    "api.authentication.v1.ExtraValue": _texts_bytes,
    "api.authorization.v1.ExtraValue": _texts_bytes,
    "api.certificates.v1.ExtraValue": _texts_bytes,
}
