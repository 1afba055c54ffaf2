"""What is known about a value without having it: how large it may be, and what is inside of it."""

from __future__ import annotations

from typing import Any

MAX_REQUEST = 3 * 1024 * 1024
"""No value is larger than the largest request, in bytes."""

ITEMS, VALUES, KEYS, INDICES = "@items", "@values", "@keys", "@indices"


class Shape:
    """Nothing is known."""

    def size(self) -> int | None:
        """Characters, items or entries."""
        return None

    def child(self, step: str) -> Shape:
        """What is at a field, or at one of the steps above."""
        return UNKNOWN


UNKNOWN = Shape()


class ValueShape(Shape):
    """These values, of which any may be meant.

    Whoever knows no type takes a list for a map: there, its items are what is asked for.
    """

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def size(self) -> int | None:
        sized = (each for each in self._values if isinstance(each, (str, bytes, list, dict)))
        return max(map(len, sized), default=None)

    def child(self, step: str) -> Shape:
        lists = [each for each in self._values if isinstance(each, list)]
        maps = [each for each in self._values if isinstance(each, dict)]
        items = [each for value in lists for each in value]
        match step:
            case "@items":
                return ValueShape(items)
            case "@values":
                return ValueShape([*items, *(each for value in maps for each in value.values())])
            case "@keys":
                return ValueShape([*items, *(key for value in maps for key in value)])
        return ValueShape([each[step] for each in maps if step in each])
