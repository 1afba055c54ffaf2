"""cel-go's ext.Strings, version 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

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


def _quote(text: str) -> str:
    escapes = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
    escapes |= {"\\": r"\\", '"': r"\""}
    return f'"{"".join(escapes.get(each, each) for each in text)}"'


# format


def _format(template: str, arguments: Sequence[Any]) -> str:
    """%s %d %f %e %b %x %X %o, and %%; a precision for %f and %e."""
    result, rest, at = [], iter(arguments), 0
    while at < len(template):
        if template[at] != "%":
            result.append(template[at])
            at += 1
            continue
        at += 1
        precision = ""
        while at < len(template) and template[at] in ".0123456789":
            precision += template[at]
            at += 1
        if at >= len(template):
            raise ValueError("unexpected end of string")
        verb = template[at]
        at += 1
        result.append("%" if verb == "%" else _formatted(verb, precision, _next(rest)))
    return "".join(result)


def _next(arguments: Any) -> Any:
    for each in arguments:
        return each
    raise ValueError("index 0 out of range")


def _formatted(verb: str, precision: str, value: Any) -> str:
    if verb == "s":
        return _text(value)
    formatter = _VERBS.get(verb)
    if formatter is None:
        raise ValueError(f'unrecognized formatting clause "{verb}"')
    try:
        return formatter(value, precision)
    except (TypeError, ValueError):
        raise ValueError(f"error during formatting: %{verb} cannot be used on {_text(value)}") from None


def _fixed(value: Any, precision: str) -> str:
    return f"{float(value):{precision or '.6'}f}"


def _scientific(value: Any, precision: str) -> str:
    return f"{float(value):{precision or '.6'}e}"


def _hexadecimal(value: Any, precision: str) -> str:
    if isinstance(value, str):
        return value.encode().hex()
    return value.hex() if isinstance(value, (bytes, bytearray)) else f"{value:x}"


_VERBS: dict[str, Callable[[Any, str], str]] = {
    "d": lambda value, precision: f"{value:d}",
    "f": _fixed,
    "e": _scientific,
    "b": lambda value, precision: f"{value:b}",
    "o": lambda value, precision: f"{value:o}",
    "x": _hexadecimal,
    "X": lambda value, precision: _hexadecimal(value, precision).upper(),
}


def _text(value: Any) -> str:
    """A value as %s shows it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return value.decode(errors="replace")
    if isinstance(value, list):
        return f"[{', '.join(map(_inner, value))}]"
    if isinstance(value, dict):
        entries = sorted((_inner(key), _inner(each)) for key, each in value.items())
        return f"{{{', '.join(f'{key}: {each}' for key, each in entries)}}}"
    if value is None or isinstance(value, (bool, int, float)):
        return orjson.dumps(value).decode()
    return str(value)


def _inner(value: Any) -> str:
    return _quote(value) if isinstance(value, str) else _text(value)


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
    method("format", "string list<dyn>", "string", _format),
    function("strings.quote", "string", "string", _quote),
)
