"""Objects in Kubernetes' protobuf form, which Go clients send for built-in kinds: decoded to plain dicts.

What the wire leaves open (names, nesting, which zero is a value and which means "not set") comes from a
table of field numbers, `schema/protobuf-1.34.txt`: a message a block, a field a line of number, JSON name
(`-` for a message whose fields stand in its holder), type, and `*` where a zero counts. Answers are always
JSON, which every client that speaks protobuf accepts too.
Source of the envelope: k8s.io/apimachinery/pkg/runtime/serializer/protobuf; of the table: the numbers in
generated.proto and the tags in types.go of k8s.io/api and k8s.io/apimachinery v0.34.0.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import orjson

from apimachinery.durations import format_duration
from apimachinery.objects import Object
from apimachinery.protobuf_wire import ProtobufError as ProtobufError
from apimachinery.protobuf_wire import read_fields
from apimachinery.times import format_micro_time, format_time

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
_TABLE = "protobuf-1.34.txt"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_META = "apimachinery.pkg.apis.meta.v1"

_SCALARS = "siybd"
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `type` is a scalar's letter or a message; `zero` says that a zero is a value."""

    name: str
    type: str
    repeated: bool
    is_map: bool
    zero: bool


@functools.cache
def messages() -> dict[str, dict[int, Field]]:
    """Every known message: its fields by number."""
    text = (resources.files("apimachinery.schema") / _TABLE).read_text()
    found: dict[str, dict[int, Field]] = {}
    for line in text.splitlines():
        if not line.startswith("\t"):
            current = found[line] = {}
            continue
        number, name, kind, *marks = line.split()
        repeated, is_map = kind.startswith("[]"), kind.startswith("{}")
        plain = kind[2:] if repeated or is_map else kind
        current[int(number)] = Field("" if name == "-" else name, plain, repeated, is_map, "*" in marks)
    return found


def decode(data: bytes, definition_name: Callable[[str, str], str | None]) -> Object:
    """The object in an envelope, with its apiVersion and kind. Raises ProtobufError.

    `definition_name(api_version, kind)` gives the name of a kind's definition, or None.
    """
    if not data.startswith(MAGIC):
        raise ProtobufError(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    api_version, kind, raw = _envelope(data[len(MAGIC) :])
    name = definition_name(api_version, kind)
    fields = messages().get((name or "").removeprefix("io.k8s."))
    if fields is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"kind": kind, "apiVersion": api_version, **_message(raw, fields)}


def _envelope(data: bytes) -> tuple[str, str, bytes]:
    """runtime.Unknown: type (1: apiVersion 1, kind 2) and raw (2)."""
    api_version = kind = ""
    raw = b""
    for number, value in read_fields(data):
        if number == 1 and isinstance(value, bytes):
            named = {inner: text.decode() for inner, text in read_fields(value) if isinstance(text, bytes)}
            api_version, kind = named.get(1, ""), named.get(2, "")
        elif number == 2 and isinstance(value, bytes):
            raw = value
    return api_version, kind, raw


def _message(data: bytes, fields: dict[int, Field]) -> Object:
    result: Object = {}
    for number, raw in read_fields(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.is_map:
            key, value = _map_entry(raw, field)
            result.setdefault(field.name, {})[key] = value
            continue
        value = _value(raw, field.type)
        if field.repeated:
            result.setdefault(field.name, []).append(None if value is _ABSENT else value)
        elif not field.name and isinstance(value, dict):
            result |= value
        elif value is not _ABSENT and (value or field.zero or field.type not in _SCALARS):
            result[field.name] = value
    return result


def _map_entry(raw: int | bytes, field: Field) -> tuple[str, Any]:
    """An entry is a message of key (1) and value (2); what is not sent is empty."""
    parts = dict(read_fields(_as_bytes(raw)))
    value = parts.get(2, 0 if field.type in "ibd" else b"")
    key = _as_bytes(parts.get(1, b""))
    return key.decode(), _value(value, field.type)


def _value(raw: int | bytes, type_: str) -> Any:
    if type_ in _SCALARS:
        return _scalar(raw, type_)
    special = _SPECIAL.get(type_)
    if special is not None:
        return special(_as_bytes(raw))
    return _message(_as_bytes(raw), messages()[type_])


def _scalar(raw: int | bytes, type_: str) -> Any:
    try:
        if type_ == "s":
            return _as_bytes(raw).decode()
    except UnicodeDecodeError:
        raise ProtobufError("proto: a string field contains invalid UTF-8") from None
    if type_ == "y":
        return base64.b64encode(_as_bytes(raw)).decode()
    if not isinstance(raw, int):
        raise ProtobufError("proto: wrong wireType for a number")
    return bool(raw) if type_ == "b" else _signed(raw)


def _as_bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, bytes):
        return raw
    raise ProtobufError("proto: wrong wireType = 0")


def _signed(value: int) -> int:
    """int32 and int64 travel as 64 bits in two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


# Messages that are a scalar in JSON.


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
    return _ABSENT if moment is None else format_time(moment)


def _micro_time(data: bytes) -> Any:
    moment = _moment(data)
    return _ABSENT if moment is None else format_micro_time(moment)


def _duration(data: bytes) -> Any:
    return format_duration(_numbers(data).get(1, 0) / 1e9)


def _quantity(data: bytes) -> Any:
    return next((_as_bytes(value).decode() for number, value in read_fields(data) if number == 1), "0")


def _int_or_string(data: bytes) -> Any:
    """type (1) is 0 for a number (2) and 1 for text (3)."""
    parts = dict(read_fields(data))
    if parts.get(1):
        return _as_bytes(parts.get(3, b"")).decode()
    number = parts.get(2, 0)
    return _signed(number) if isinstance(number, int) else 0


def _raw_json(data: bytes) -> Any:
    """RawExtension and FieldsV1 hold JSON text in field 1."""
    text = next((_as_bytes(value) for number, value in read_fields(data) if number == 1), b"")
    if not text:
        return _ABSENT
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProtobufError(str(error)) from None


def _texts(data: bytes) -> Any:
    return [_as_bytes(value).decode() for number, value in read_fields(data) if number == 1]


_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    f"{_META}.Time": _time,
    f"{_META}.MicroTime": _micro_time,
    f"{_META}.Duration": _duration,
    f"{_META}.FieldsV1": _raw_json,
    f"{_META}.Verbs": _texts,
    "apimachinery.pkg.api.resource.Quantity": _quantity,
    "apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "apimachinery.pkg.runtime.RawExtension": _raw_json,
    "api.authentication.v1.ExtraValue": _texts,
    "api.authorization.v1.ExtraValue": _texts,
    "api.certificates.v1.ExtraValue": _texts,
}
