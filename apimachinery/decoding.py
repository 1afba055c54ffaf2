"""What bytes are decoded to, whatever their form: a value, or an error; and how deep a value may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

MAX_DEPTH = 200
"""Levels of nesting an object may have; orjson does not encode more than 254."""


class DecodeError(ValueError):
    """The bytes are no JSON or YAML, or nested too deeply; the message is for a 400."""


class Decoded(NamedTuple):
    """A decoded value and the paths of keys that its text had more than once (`spec.ports[0].name`)."""

    value: Any
    duplicates: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    """Of YAML: a complaint about each duplicate, with its line."""
    text: bytes = b""
    """Of JSON: what was decoded, for complaints that quote it."""

    @property
    def strict_problem(self) -> str:
        """What upstream's YAML parser says of the duplicates; empty if there are none."""
        lines = "\n  ".join(self.lines)
        return f"yaml: unmarshal errors:\n  {lines}" if lines else ""


_CONTAINERS = (dict, list)


def check_depth(value: Any) -> None:
    """Raises DecodeError if the value has more than MAX_DEPTH levels."""
    level = [value] if value.__class__ in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each) if child.__class__ in _CONTAINERS]
        if not level:
            return
    raise DecodeError("exceeded max depth")


def _children(container: Any) -> Iterable[Any]:
    return container.values() if container.__class__ is dict else container
