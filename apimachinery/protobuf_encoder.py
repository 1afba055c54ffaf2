"""Objects in Kubernetes' protobuf form, byte for byte as Go writes them: the mirror of `protobuf`.

A message becomes a function from its JSON value to bytes, made when it is first needed. Go writes fields in
the order of their numbers; one that is no pointer is written even where there is nothing, as a zero or an
empty message, which is prepared once.
Source: generated.pb.go of k8s.io/api v0.34.0, and runtime.Unknown of k8s.io/apimachinery.
"""

from __future__ import annotations

import base64
import functools
import struct
from collections.abc import Callable
from typing import Any

from apimachinery.objects import Object
from apimachinery.protobuf import EXTENSIONS, MAGIC, UNIONS, Field, messages
from apimachinery.protobuf_values import ENCODED, Encode
from apimachinery.protobuf_wire import FIXED64, LENGTH, VARINT, delimited, encode_varint, key

_META = "apimachinery.pkg.apis.meta"
_PACKAGES = {
    "": _META,
    "meta.k8s.io": _META,
    "apidiscovery.k8s.io": "api.apidiscovery",
    "metrics.k8s.io": "metrics.pkg.apis.metrics",
}
"""Where the messages of a group are that are not among the definitions of kinds."""
_SCHEMA = f"{EXTENSIONS}.JSONSchemaProps"
_ENVELOPE_END = delimited(3, b"") + delimited(4, b"")
"""Of runtime.Unknown: contentEncoding and contentType, which nobody sets."""

_ZEROS: dict[str, Any] = {"s": "", "i": 0, "b": False, "d": 0.0}
"""What a scalar is that nobody has set; a message is then None to its encoder."""

Piece = Callable[[Any], bytes]
"""From a field's JSON value to what is written of it, with its number."""
DefinitionName = Callable[[str, str], str | None]


def message_of(api_version: str, kind: str, definition_name: DefinitionName) -> str | None:
    """The message of a kind; None if it has none, as custom resources and Tables have."""
    group, _, version = api_version.rpartition("/")
    names = [(definition_name(api_version, kind) or "").removeprefix("io.k8s.")]
    if group in _PACKAGES:
        package = _PACKAGES[group]
        names += [f"{package}.{version}.{kind}", f"{package}.v1.{kind}"]
    return next((name for name in names if name in messages()), None)


def encode(obj: Object, definition_name: DefinitionName) -> bytes:
    """A whole answer: the object in its envelope. Raises KeyError for a kind that has no message."""
    api_version, kind = obj.get("apiVersion", ""), obj["kind"]
    name = message_of(api_version, kind, definition_name)
    if name is None:
        raise KeyError(f"{api_version} {kind}")
    return enveloped(api_version, kind, encoder_of(name)(obj))


def enveloped(api_version: str, kind: str, message: bytes) -> bytes:
    start, end = envelope(api_version, kind, len(message))
    return start + message + end


def envelope(api_version: str, kind: str, size: int) -> tuple[bytes, bytes]:
    """What stands before and behind a message of so many bytes."""
    return _envelope_start(api_version, kind) + encode_varint(size), _ENVELOPE_END


@functools.lru_cache(maxsize=1024)
def _envelope_start(api_version: str, kind: str) -> bytes:
    type_meta = delimited(1, api_version.encode()) + delimited(2, kind.encode())
    return MAGIC + delimited(1, type_meta) + key(2, LENGTH)


@functools.cache
def encoder_of(message: str) -> Encode:
    """From the JSON value of a message, or None, to its bytes. Raises KeyError for an unknown message."""
    if message in ENCODED:
        return ENCODED[message]
    fields = messages()[message]
    return _union_encoder(fields) if message in UNIONS else _message_encoder(fields)


def _message_encoder(fields: dict[int, Field]) -> Encode:
    """Puts what is there into a list of what is written where nothing is."""
    blank: list[bytes] = []
    places: dict[str, tuple[int, Piece]] = {}
    embedded: list[tuple[int, Piece]] = []

    def prepare() -> None:
        """When it is needed for the first time, since messages may hold themselves."""
        for number, field in sorted(fields.items()):
            piece = _piece(number, field)
            if field.name:
                places[field.name] = (len(blank), piece)
            else:
                embedded.append((len(blank), piece))
            blank.append(
                b"" if field.optional or field.repeated or field.is_map else _zero(piece, field.type)
            )

    def encode_message(value: Object | None) -> bytes:
        if not blank:
            prepare()
        parts = blank.copy()
        if value:
            for name, each in value.items():
                if each is not None and name in places:
                    position, piece = places[name]
                    parts[position] = piece(each)
            for position, piece in embedded:
                parts[position] = piece(value)
        return b"".join(parts)

    return encode_message


def _zero(piece: Piece, type_: str) -> bytes:
    """What Go writes of a value that nobody has set; of bytes nothing."""
    return b"" if type_ == "y" else piece(_ZEROS.get(type_))


def _union_encoder(fields: dict[int, Field]) -> Encode:
    """Of a schema or something else: a boolean stands before the schema, a list is the field behind it."""
    has_flag = fields[1].type == "b"
    schema, several = _one(2 if has_flag else 1, _SCHEMA), _list(2, fields[2].type)

    def encode_union(value: Any) -> bytes:
        flag = (b"\x08\x00" if value is False else b"\x08\x01") if has_flag else b""
        if isinstance(value, bool | None):
            return flag
        return several(value) if isinstance(value, list) else flag + schema(value)

    return encode_union


def _piece(number: int, field: Field) -> Piece:
    if field.is_map:
        return _map(number, field.type)
    return _list(number, field.type) if field.repeated else _one(number, field.type)


def _one(number: int, type_: str) -> Piece:
    match type_:
        case "s":
            return _delimited(number, str.encode)
        case "y":
            return _delimited(number, base64.b64decode)
        case "i" | "b":
            return _number(number)
        case "d":
            start = key(number, FIXED64)
            return lambda value: start + struct.pack("<d", value)
    return _delimited(number, encoder_of(type_))


def _delimited(number: int, encode_value: Callable[[Any], bytes]) -> Piece:
    start = key(number, LENGTH)
    heads = _heads(start)

    def piece(value: Any) -> bytes:
        data = encode_value(value)
        size = len(data)
        return (heads[size] if size < 128 else start + encode_varint(size)) + data

    return piece


def _number(number: int) -> Piece:
    start = key(number, VARINT)
    whole = _heads(start)
    return lambda value: whole[value] if 0 <= value < 128 else start + encode_varint(value)


@functools.cache
def _heads(start: bytes) -> tuple[bytes, ...]:
    """A key with each number, or length, of one byte."""
    return tuple(start + bytes([number]) for number in range(128))


def _list(number: int, type_: str) -> Piece:
    one, zero = _one(number, type_), _ZEROS.get(type_)
    return lambda values: b"".join([one(zero if value is None else value) for value in values])


def _map(number: int, type_: str) -> Piece:
    """Entries are messages of key (1) and value (2), by their keys; bytes that are null are left out."""
    name_piece, value_piece = _one(1, "s"), _one(2, type_)

    def encode_entry(pair: tuple[str, Any]) -> bytes:
        name, value = pair
        if value is None:
            return name_piece(name) + _zero(value_piece, type_)
        return name_piece(name) + value_piece(value)

    entry = _delimited(number, encode_entry)
    return lambda values: b"".join([entry(pair) for pair in sorted(values.items())])
