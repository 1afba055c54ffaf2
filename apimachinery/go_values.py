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
