"""What is known about a value without having it: how large it may be, and what is inside of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_REQUEST = 3 * 1024 * 1024
"""No value is larger than the largest request, in bytes."""


class Shape:
    """Anything. Sizes are characters, items or entries."""

    def size(self) -> int:
        return 1

    def field(self, name: str) -> Shape:
        return ANYTHING

    def item(self) -> Shape:
        """Any item of a list, any value of a map."""
        return ANYTHING

    def iterated(self) -> Shape:
        """What a loop over it sees: items of a list, keys of a map."""
        return self.item()


@dataclass(frozen=True, slots=True)
class Sized(Shape):
    """Something that has been computed."""

    length: int
    inside: Shape = field(default_factory=Shape)

    def size(self) -> int:
        return self.length

    def item(self) -> Shape:
        return self.inside


ANYTHING = Shape()


class ValueShape(Shape):
    """These values, of which any may be meant."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def size(self) -> int:
        return max(
            (len(each) for each in self._values if isinstance(each, (str, bytes, list, dict))), default=1
        )

    def field(self, name: str) -> Shape:
        return ValueShape([each[name] for each in self._values if isinstance(each, dict) and name in each])

    def item(self) -> Shape:
        lists = [each for value in self._values if isinstance(value, list) for each in value]
        maps = [each for value in self._values if isinstance(value, dict) for each in value.values()]
        return ValueShape(lists + maps)

    def iterated(self) -> Shape:
        keys = [key for value in self._values if isinstance(value, dict) for key in value]
        return ValueShape(keys) if keys else self.item()
