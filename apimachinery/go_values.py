"""JSON values as Go's formatting shows them, and what Go calls their types."""

from __future__ import annotations

from typing import Any

from apimachinery.numbers import go_number

_TYPES: dict[type, str] = {
    bool: "bool", int: "int64", float: "float64", str: "string",
    list: "[]interface {}", dict: "map[string]interface {}",
}  # fmt: skip
_KINDS = _TYPES | {list: "slice", dict: "map"}
_JSON_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_ESCAPES = {
    "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
    '"': r"\"", "\\": r"\\",
}  # fmt: skip


def go_quoted(text: str) -> str:
    """Go's `%q`."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    width, letter = (2, "x") if code < 0x80 else (4, "u") if code < 0x10000 else (8, "U")
    return f"\\{letter}{code:0{width}x}"


def go_type(value: Any) -> str:
    return _TYPES[type(value)]


def go_kind(value: Any) -> str:
    """What reflect calls it."""
    return _KINDS[type(value)]


def json_kind(value: Any) -> str:
    """What Go's decoder calls the value in its errors."""
    return _JSON_KINDS.get(type(value), type(value).__name__)


def go_text(value: Any) -> str:
    """Go's `%v`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_text, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return go_number(value)
    return "<nil>" if value is None else value
