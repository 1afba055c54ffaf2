"""cel-go's ext.Strings, version 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiserver.cel.libraries.formatting import formatted, quoted
from apiserver.cel.libraries.function import Function, function, method

_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER = {upper: lower for lower, upper in _UPPER.items()}


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise ValueError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, wanted: str, start: int = 0) -> int:
    if not 0 <= start <= len(text):
        raise ValueError(f"index out of range: {start}")
    return text.find(wanted, start)


def _last_index_of(text: str, wanted: str, end: int | None = None) -> int:
    if end is None:
        return text.rfind(wanted)
    if not 0 <= end <= len(text):
        raise ValueError(f"index out of range: {end}")
    return text.rfind(wanted, 0, end + len(wanted))


def _join(parts: Sequence[Any], separator: str = "") -> str:
    if not all(isinstance(each, str) for each in parts):
        raise ValueError("no such overload")
    return separator.join(parts)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        characters = [*text]
        return characters if limit < 0 else [*characters[: limit - 1], "".join(characters[limit - 1 :])]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise ValueError(f"index out of range: {start}")
    if not 0 <= stop <= len(text):
        raise ValueError(f"index out of range: {stop}")
    if start > stop:
        raise ValueError(f"invalid substring range. start: {start}, end: {stop}")
    return text[start:stop]


FUNCTIONS: tuple[Function, ...] = (
    method("charAt", "string int", "string", _char_at),
    method("indexOf", "string string", "int", _index_of),
    method("indexOf", "string string int", "int", _index_of),
    method("lastIndexOf", "string string", "int", _last_index_of),
    method("lastIndexOf", "string string int", "int", _last_index_of),
    method("join", "list<string>", "string", _join),
    method("join", "list<string> string", "string", _join),
    method("lowerAscii", "string", "string", lambda text: text.translate(_LOWER)),
    method("upperAscii", "string", "string", lambda text: text.translate(_UPPER)),
    method("replace", "string string string", "string", _replace),
    method("replace", "string string string int", "string", _replace),
    method("split", "string string", "list<string>", _split),
    method("split", "string string int", "list<string>", _split),
    method("substring", "string int", "string", _substring),
    method("substring", "string int int", "string", _substring),
    method("trim", "string", "string", str.strip),
    method("format", "string list<dyn>", "string", formatted),
    function("strings.quote", "string", "string", quoted),
)
