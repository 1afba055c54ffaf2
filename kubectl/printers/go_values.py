"""How Go prints a value (fmt's %v): lists in brackets without commas, maps as map[a:b], sorted by key."""

from __future__ import annotations

from typing import Any

NO_VALUE = "<no value>"


def text_of(value: Any, nothing: str = NO_VALUE) -> str:
    """`nothing` is what stands for null."""
    if value is None:
        return nothing
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(text_of(each, nothing) for each in value)}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{text_of(each, nothing)}' for key, each in sorted(value.items()))}]"
    return str(value)
