"""Objects in Kubernetes' protobuf form, which Go clients speak of built-in kinds: decoded to plain dicts.

What the wire leaves open (names, nesting, which zero is a value and which means "not set") comes from a
table of field numbers, `schema/protobuf-1.34.txt`: a message a block, a field a line of number, JSON name
(`-` for a message whose fields stand in its holder), type, and a mark: `*` where a zero counts, `?` for a
pointer, which may be missing and whose zero counts too. The way back is in `protobuf_encoder`.
Source of the envelope: k8s.io/apimachinery/pkg/runtime/serializer/protobuf; of the table: the numbers in
generated.proto and the tags in types.go of k8s.io/api, apimachinery, apiextensions-apiserver, kube-aggregator
and metrics v0.34.0.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from apimachinery.objects import Object
from apimachinery.protobuf_values import ABSENT, SCALARS, SPECIAL, as_bytes, scalar
from apimachinery.protobuf_wire import ProtobufError as ProtobufError
from apimachinery.protobuf_wire import read_fields

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
_TABLE = "protobuf-1.34.txt"

EXTENSIONS = "apiextensions-apiserver.pkg.apis.apiextensions.v1"
UNIONS = {f"{EXTENSIONS}.JSONSchemaPropsOr{other}" for other in ("Array", "Bool", "StringArray")}
"""A schema or something else, whichever there is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `type` is a scalar's letter or a message; `zero` says that a zero is a value, `optional`
    that the field may be missing."""

    name: str
    type: str
    repeated: bool
    is_map: bool
    zero: bool
    optional: bool


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
        current[int(number)] = Field(
            "" if name == "-" else name, plain, repeated, is_map, bool(marks), "?" in marks
        )
    return found


_ZEROS: dict[str, Any] = {"s": "", "y": "", "i": 0, "b": False, "d": 0.0}


@functools.cache
def unwritten_zeros(message: str) -> dict[str, Any]:
    """The fields of a message that Go leaves out of JSON when they are zero, and what zero is of each."""
    found: dict[str, Any] = {}
    for field in messages().get(message, {}).values():
        if not field.name:
            found |= unwritten_zeros(field.type)
        elif field.type in _ZEROS and not (field.repeated or field.is_map or field.zero):
            found[field.name] = _ZEROS[field.type]
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
            result.setdefault(field.name, []).append(None if value is ABSENT else value)
        elif not field.name and isinstance(value, dict):
            result |= value
        elif value is not ABSENT and (value or field.zero or field.type not in SCALARS):
            result[field.name] = value
    return result


def _map_entry(raw: int | bytes, field: Field) -> tuple[str, Any]:
    """An entry is a message of key (1) and value (2); what is not sent is empty."""
    parts = dict(read_fields(as_bytes(raw)))
    value = parts.get(2, 0 if field.type in "ibd" else b"")
    key = scalar(parts.get(1, b""), "s")
    found = _value(value, field.type)
    return key, None if found is ABSENT else found


def _value(raw: int | bytes, type_: str) -> Any:
    if type_ in SCALARS:
        return scalar(raw, type_)
    special = SPECIAL.get(type_)
    if special is not None:
        return special(as_bytes(raw))
    if type_ in UNIONS:
        return _union(as_bytes(raw), messages()[type_])
    return _message(as_bytes(raw), messages()[type_])


def _union(data: bytes, fields: dict[int, Field]) -> Any:
    """What was sent of a list, a schema and a boolean, in this order: the boolean always is."""
    found: dict[int, Any] = {}
    for number, raw in read_fields(data):
        field = fields.get(number)
        if field is None:
            continue
        value = _value(raw, field.type)
        if field.repeated:
            found.setdefault(0, []).append(value)
        else:
            found[2 if field.type == "b" else 1] = value
    return found[min(found)] if found else None
