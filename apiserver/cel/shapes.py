"""What is known about a value without having it: how large it may be, and what is inside of it."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_REQUEST = 3 * 1024 * 1024
"""No value is larger than the largest request, in bytes."""


class UndefinedFieldError(LookupError):
    """The object has no such field, ever."""


class Shape:
    """Anything. Sizes are characters, items or entries."""

    def size(self) -> int:
        return 1

    def field(self, name: str) -> Shape:
        """Raises UndefinedFieldError."""
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
