"""The OpenAPI v2 document as protobuf, which older clients ask for: gnostic's openapi.v2.Document.

Writes the wire format directly: of gnostic's sixty messages our documents use a dozen, and what they hold is
text and nesting. Field numbers are those of google/gnostic's OpenAPIv2.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from apimachinery.protobuf_wire import encode_varint

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}
_LENGTH_DELIMITED = 2


def encode(document: Mapping[str, Any]) -> bytes:
    """The bytes of the Document message."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = _map(2, document["paths"], _path_item)
    definitions = _map(1, document["definitions"], _schema)
    return _text(1, document["swagger"]) + _bytes(2, info) + _bytes(8, paths) + _bytes(9, definitions)


def _bytes(number: int, value: bytes) -> bytes:
    return encode_varint(number << 3 | _LENGTH_DELIMITED) + encode_varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode()) if value else b""


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_bytes(number, value.encode()) for value in values)


def _bool(number: int, value: bool) -> bytes:
    return encode_varint(number << 3) + b"\x01" if value else b""


def _map(number: int, values: Mapping[str, Any], encode_value: Any) -> bytes:
    """A repeated field of messages that pair a name (1) with a value (2)."""
    pairs = (_text(1, name) + _bytes(2, encode_value(value)) for name, value in values.items())
    return b"".join(_bytes(number, pair) for pair in pairs)


def _any(value: Any) -> bytes:
    """An Any holding YAML, of which JSON is a part."""
    return _text(2, orjson.dumps(value).decode())


def _extensions(number: int, holder: Mapping[str, Any]) -> bytes:
    return _map(number, {k: v for k, v in holder.items() if k.startswith("x-")}, _any)


def _path_item(item: Mapping[str, Any]) -> bytes:
    methods = (_bytes(number, _operation(item[m])) for m, number in _METHODS.items() if m in item)
    return b"".join(methods) + _parameters(9, item.get("parameters", ()))


def _operation(operation: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            _texts(1, operation.get("tags", ())),
            _text(3, operation.get("description", "")),
            _text(5, operation.get("operationId", "")),
            _texts(6, operation.get("produces", ())),
            _texts(7, operation.get("consumes", ())),
            _parameters(8, operation.get("parameters", ())),
            _bytes(9, _map(1, operation.get("responses", {}), _response)),
            _texts(10, operation.get("schemes", ())),
            _extensions(13, operation),
        )
    )


def _parameters(number: int, parameters: Iterable[Mapping[str, Any]]) -> bytes:
    """ParametersItem{parameter: Parameter{body or other}}."""
    return b"".join(_bytes(number, _bytes(1, _parameter(each))) for each in parameters)


def _parameter(parameter: Mapping[str, Any]) -> bytes:
    name, place, required = parameter["name"], parameter["in"], bool(parameter.get("required"))
    if place == "body":
        body = _text(2, name) + _text(3, place) + _bool(4, required) + _bytes(5, _schema(parameter["schema"]))
        return _bytes(1, body)
    description = _text(3, parameter.get("description", ""))
    shared = _bool(1, required) + _text(2, place) + description + _text(4, name)
    if place == "query":
        return _bytes(2, _bytes(3, shared + _text(6, parameter["type"]) + _unique(20)))
    return _bytes(2, _bytes(4, shared + _text(5, parameter["type"]) + _unique(19)))


def _unique(number: int) -> bytes:
    return encode_varint(number << 3) + b"\x01"


def _response(response: Mapping[str, Any]) -> bytes:
    """ResponseValue{response: Response{description, schema: SchemaItem{schema}}}."""
    schema = _bytes(2, _bytes(1, _schema(response["schema"]))) if "schema" in response else b""
    return _bytes(1, _text(1, response.get("description", "")) + schema)


def _schema(schema: Mapping[str, Any]) -> bytes:
    out = [
        _text(1, schema.get("$ref", "")),
        _text(2, schema.get("format", "")),
        _text(4, schema.get("description", "")),
        _bytes(5, _any(schema["default"])) if "default" in schema else b"",
        _texts(19, schema.get("required", ())),
    ]
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        out.append(_bytes(21, _bytes(1, _schema(values))))
    if "type" in schema:
        out.append(_bytes(22, _texts(1, [schema["type"]])))
    if "items" in schema:
        out.append(_bytes(23, _bytes(1, _schema(schema["items"]))))
    out += (_bytes(24, _schema(each)) for each in schema.get("allOf", ()))
    if "properties" in schema:
        out.append(_bytes(25, _map(1, schema["properties"], _schema)))
    out.append(_extensions(31, schema))
    return b"".join(out)
