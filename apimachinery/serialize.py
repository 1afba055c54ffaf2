"""Bytes to objects and back: JSON by orjson, with what orjson does not tell (duplicate keys, depth) added.

YAML is in `yamlcodec`, loaded when it is needed; callers find both here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from apimachinery.decoding import MAX_DEPTH, Decoded, DecodeError, check_depth
from apimachinery.objects import Object

__all__ = [
    "MAX_DEPTH", "DecodeError", "Decoded", "check_depth", "from_json", "from_json_strict", "from_text_strict",
    "from_yaml_all", "from_yaml_strict", "looks_like_json", "number_as_written", "to_json", "to_yaml",
]  # fmt: skip


def to_json(obj: Any) -> bytes:
    return orjson.dumps(obj)


def from_json(data: bytes | str) -> Any:
    """Raises DecodeError. Of duplicate keys the last wins; what is no UTF-8 is replaced, as Go does."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if isinstance(data, bytes) and (text := data.decode("utf-8", "replace")).encode() != data:
            return from_json(text)
        raise DecodeError(_go_message(data, error)) from None
    _check_depth(data, value)
    return value


def from_json_strict(data: bytes) -> Decoded:
    """As from_json, and finds duplicate keys."""
    value = from_json(data)
    if _may_have_duplicates(data, value):
        return Decoded(value, tuple(_find_duplicates(data)), text=data)
    return Decoded(value, text=data)


def number_as_written(data: bytes, number: float) -> str | None:
    """The first number of a JSON text that has this value, which Go's complaints quote."""
    written: list[str] = []
    json.loads(_text(data), parse_float=written.append, parse_int=written.append)
    return next((text for text in written if float(text) == number), None)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _may_have_duplicates(data: bytes, value: Any) -> bool:
    """Whether keys got lost: then so did their quotes. Rarely wrongly true; cheap."""
    return data.count(b'"') != orjson.dumps(value).count(b'"') or b"\\u0022" in data


class _Marked(dict[str, Any]):
    """A map whose text had these keys more than once."""

    repeated: list[str]


def _find_duplicates(data: bytes) -> Iterator[str]:
    return _marked_paths(json.loads(_text(data), object_pairs_hook=_mark), "")


def _mark(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    marked = _Marked(result)
    seen: set[str] = set()
    marked.repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]  # None on purpose
    return marked


def _marked_paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Marked):
        for key in dict.fromkeys(value.repeated):
            yield f"{path}.{key}" if path else key
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _marked_paths(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _marked_paths(each, f"{path}[{index}]")


def _check_depth(data: bytes | str, value: Any) -> None:
    """Refuses deep nesting. There are no more levels than opening brackets, which settles most cases."""
    text = data.encode() if isinstance(data, str) else data
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        check_depth(value)


def _go_message(data: bytes | str, error: orjson.JSONDecodeError) -> str:
    """The error as Go's encoding/json words it, as far as its position tells."""
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    rest = text[error.pos :].lstrip()
    if not rest:
        return "unexpected end of JSON input"
    before = text[: error.pos].rstrip()[-1:]
    if (rest[0] in "[{" and before in ("", ":", ",", "[")) or (rest[0] == '"' and before == "{"):
        return "exceeded max depth"  # nothing else is wrong there
    expected = "looking for beginning of value"
    if before in ("{", ","):
        expected = "looking for beginning of object key string"
    elif before and before not in ":[":
        expected = "after top-level value" if _balanced(text[: error.pos]) else "after object key:value pair"
    return f"invalid character {_go_character(rest[0])} {expected}"


def _go_character(character: str) -> str:
    if not character.isprintable():
        return f"'{character.encode('unicode_escape').decode()}'"
    return {"'": r"'\''", '"': "'\"'"}.get(character, f"'{character}'")


def _balanced(text: str) -> bool:
    return text.count("{") == text.count("}") and text.count("[") == text.count("]")


def from_yaml_all(text: str | bytes) -> list[Any]:
    """Every document of a YAML (or JSON) text; empty documents are left out. Raises DecodeError."""
    from apimachinery import yamlcodec

    return [decoded.value for decoded in yamlcodec.decode_all(text) if decoded.value is not None]


def from_yaml_strict(text: str | bytes) -> Decoded:
    """The one document of a YAML text, with its duplicate keys."""
    from apimachinery import yamlcodec

    documents = yamlcodec.decode_all(text)
    return documents[0] if documents else Decoded(None)


def looks_like_json(text: bytes) -> bool:
    return text.lstrip().startswith(b"{")


def from_text_strict(text: bytes) -> Decoded:
    """JSON if it begins with a brace, else YAML. Raises DecodeError, as upstream's decoder words it."""
    is_json = looks_like_json(text)
    try:
        return from_json_strict(text) if is_json else from_yaml_strict(text)
    except DecodeError as error:
        if is_json:
            raise DecodeError(f"couldn't get version/kind; json parse error: {error}") from None
        raise DecodeError(str(error).removeprefix("error converting YAML to JSON: ")) from None


def to_yaml(obj: Object | list[Any]) -> str:
    """As kubectl prints it: keys sorted, blocks, strings quoted only where they must be."""
    from apimachinery import yamlcodec

    return yamlcodec.encode(obj)
