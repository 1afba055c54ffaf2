"""A place of a structural schema as CEL sees it: its type, its fields, how large it may be, and its values.

What the schema keeps without knowing it can be compared, with all around it, and not be asked for.
Source: staging/src/k8s.io/apiserver/pkg/cel/common/schemas.go of Kubernetes 1.34.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

from apimachinery.durations import parse_duration
from apimachinery.objects import Object
from apimachinery.times import parse_time
from apiserver.cel.names import escaped, sayings
from apiserver.cel.shapes import MAX_REQUEST, UNKNOWN, Shape
from apiserver.cel.types import STRING, ObjectType, Type, UnorderedList, list_of, map_of, parse_type
from apiserver.customresources.schema.structural import Structural

TEXT_TYPES = {"byte": "bytes", "date": "timestamp", "date-time": "timestamp", "duration": "duration"}
_TEXT_SIZES = {"date": 12, "date-time": 32, "duration": 32}
_SMALLEST_TEXTS = {"date": 12, "date-time": 21, "duration": 3}
"""Both with their quotation marks, as upstream counts them."""
_NAME: Object = {"type": "string"}
_META: Object = {"type": "object", "properties": {"name": _NAME, "generateName": _NAME}}


def with_type_and_metadata(schema: Structural) -> Structural:
    """The root of a resource: what every resource has can be asked for, of its metadata the name only."""
    declared: Object = schema.raw.get("properties") or {}
    metadata = declared.get("metadata") or {}
    names = {**_META["properties"], **(metadata.get("properties") or {})}
    properties = {**declared, "apiVersion": _NAME, "kind": _NAME, "metadata": {**_META, "properties": names}}
    return Structural({**schema.raw, "properties": properties}, is_root=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class PlaceType(ObjectType):
    """An object with properties."""

    schema: Structural

    @cached_property
    def _properties(self) -> Mapping[str, Structural]:
        seen = with_type_and_metadata(self.schema) if self.schema.is_resource else self.schema
        return {said: inner for name, inner in seen.properties.items() for said in sayings(name)}

    @cached_property
    def _known(self) -> dict[str, Type | None]:
        """Fields that were asked for: each must have the same type whenever it is."""
        return {}

    def field(self, name: str) -> Type | None:
        if name not in self._known:
            self._known[name] = declared_type(self._properties.get(name), f"{self.name}.{name}")
        return self._known[name]

    def all_fields(self) -> Iterator[tuple[str, Type]]:
        for name in self._properties:
            kind = self.field(name)
            if kind is not None:
                yield name, kind


def declared_type(schema: Structural | None, name: str) -> Type | None:
    """What the checker knows of a place, under that name; None for what cannot be seen."""
    match type_of(schema):
        case None:
            return None
        case "map" if schema is not None and schema.additional is not None:
            inner = declared_type(schema.additional, f"{name}.@elem")
            return map_of(STRING, inner) if inner is not None else None
        case "map" if schema is not None:
            return PlaceType(name, schema=schema)
        case "list" if schema is not None:
            inner = declared_type(schema.items, f"{name}.@idx")
            return _list_type(schema, inner) if inner is not None else None
        case plain:
            return parse_type(plain)


def _list_type(schema: Structural, item: Type) -> Type:
    if schema.list_type == "atomic":
        return list_of(item)
    keys = tuple(escaped(key) or key for key in schema.list_map_keys) if schema.list_type == "map" else ()
    return UnorderedList("list", (item,), keys=keys)


def type_of(schema: Structural | None) -> str | None:
    """The kind of values in the words of `apiserver.cel`; None for what cannot be seen."""
    if schema is None:
        return None
    if schema.int_or_string:
        return "dyn"
    match schema.type:
        case "object":
            return "map" if schema.additional is None or type_of(schema.additional) else None
        case "array":
            return "list" if type_of(schema.items) else None
        case "string":
            return TEXT_TYPES.get(schema.raw.get("format") or "", "string")
        case "integer":
            return "int"
        case "number":
            return "double"
        case "boolean":
            return "bool"
    return None


def to_cel(value: Any, schema: Structural) -> Any:
    """A value as its place sees it; texts that are no times or durations stay texts."""
    if value is None:
        return None
    match type_of(schema):
        case "map" if isinstance(value, dict):
            return _object(value, schema)
        case "list" if isinstance(value, list) and schema.items is not None:
            return [to_cel(each, schema.items) for each in value]
        case "double" if isinstance(value, (int, float)):
            return float(value)
        case "int" if isinstance(value, float):
            return int(value)
        case "bytes" | "timestamp" | "duration" as kind if isinstance(value, str):
            return _read(kind, value)
    return value


def _object(value: Object, schema: Structural) -> Object:
    if not schema.properties and schema.additional is not None:
        return {key: to_cel(each, schema.additional) for key, each in value.items()}
    seen: Object = {}
    for name, each in value.items():
        inner = schema.properties.get(name)
        if inner is None or type_of(inner) is None:
            seen.setdefault(name, each)
        elif name == "metadata" and schema.is_resource and isinstance(each, dict):
            seen[name] = {key: text for key, text in each.items() if key in inner.properties}
        elif each is not None:
            value = to_cel(each, inner)
            for said in sayings(name) or (name,):
                seen[said] = value
    return seen


def _read(kind: str, text: str) -> Any:
    try:
        if kind == "bytes":
            return base64.b64decode(text)
        if kind == "duration":
            duration = duration_pb2.Duration()
            duration.FromNanoseconds(round(parse_duration(text) * 10**9))
            return duration
        moment = timestamp_pb2.Timestamp()
        moment.FromDatetime(parse_time(text if "T" in text else f"{text}T00:00:00Z"))
        return moment
    except ValueError:
        return text


class PlaceShape(Shape):
    """Everything that may stand at a place."""

    def __init__(self, schema: Structural) -> None:
        self._schema = schema

    @cached_property
    def _fields(self) -> Mapping[str, Structural]:
        seen = with_type_and_metadata(self._schema) if self._schema.is_resource else self._schema
        return {said: inner for name, inner in seen.properties.items() for said in sayings(name)}

    def size(self) -> int:
        raw, schema = self._schema.raw, self._schema
        if schema.int_or_string:
            return _length(raw, MAX_REQUEST - 2, 4)
        match schema.type:
            case "array":
                return _limit(raw, "maxItems", 1 + smallest(schema.items))
            case "object" if schema.additional is not None:
                return _limit(raw, "maxProperties", 6 + smallest(schema.additional))
            case "string":
                return _text_size(raw)
        return 0

    def child(self, step: str) -> Shape:
        match step:
            case "@items" | "@values":
                inner = self._schema.items or self._schema.additional
            case "@keys":
                return PlaceShape(_KEY) if self._schema.additional is not None else UNKNOWN
            case _:
                inner = self._fields.get(step)
        return PlaceShape(inner) if inner is not None and type_of(inner) is not None else UNKNOWN


_KEY = Structural({"type": "boolean"})
"""Of a map: upstream knows no size of it, which is 0."""


def _text_size(raw: Object) -> int:
    text_format = raw.get("format") or ""
    if text_format in _TEXT_SIZES:
        return _TEXT_SIZES[text_format]
    if text_format != "byte" and "maxLength" not in raw and raw.get("enum"):
        return max((len(each.encode()) for each in raw["enum"] if isinstance(each, str)), default=0)
    return _length(raw, MAX_REQUEST - 2, 1 if text_format == "byte" else 4)


def _length(raw: Object, otherwise: int, per_character: int) -> int:
    said = raw.get("maxLength")
    return otherwise if said is None else max(0, int(said)) * per_character


def _limit(raw: Object, word: str, smallest_part: int) -> int:
    """What is said, or as many of the smallest as fit into a request."""
    said = raw.get(word)
    return (MAX_REQUEST - 2) // smallest_part if said is None else max(0, int(said))


def smallest(schema: Structural | None) -> int:
    """The length of the shortest JSON that may stand at a place."""
    if schema is None or schema.int_or_string:
        return 1
    match schema.type:
        case "object" if schema.additional is None:
            required = schema.raw.get("required") or ()
            fields = {name: schema.properties[name] for name in required if name in schema.properties}
            needed = {name: each for name, each in fields.items() if each.default is None and type_of(each)}
            return 2 + sum(len(name) + 4 + smallest(each) for name, each in needed.items())
        case "string":
            return _SMALLEST_TEXTS.get(schema.raw.get("format") or "", 2)
        case "array" | "object":
            return 2
        case "boolean":
            return 4
    return 1
