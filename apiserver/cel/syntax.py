"""The tree of an expression, and questions about it. Positions are characters from the start of the text."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar


class Unsigned(int):
    """A constant such as `1u`."""


def _position() -> Any:
    return field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Identifier:
    name: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Select:
    operand: Expression
    field: str
    is_test: bool
    """has(operand.field)"""
    position: int = _position()
    """Of the dot."""


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]
    """Of a method the first is its object."""
    is_member: bool = False
    position: int = _position()
    """Of the operator, or the bracket."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A list or a map that is written out."""

    parts: tuple[Expression, ...]
    """Of a map keys and values by turns."""
    is_map: bool
    optional: frozenset[int] = frozenset()
    """Which items or entries are there only if they have a value."""
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Message:
    """`google.protobuf.Duration{…}`"""

    name: str
    fields: tuple[tuple[str, Expression], ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Comprehension:
    """What all, exists, map, filter and bind become."""

    variable: str
    range: Expression
    accumulator: str
    start: Expression
    condition: Expression
    step: Expression
    result: Expression
    second_variable: str = ""
    """Of those with two: the first is a key or an index, this one the value."""
    position: int = _position()


Expression = Constant | Identifier | Select | Call | Aggregate | Message | Comprehension


E = TypeVar("E", bound=Expression)


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Constant() | Identifier():
            return ()
        case Select(operand):
            return (operand,)
        case Call(_, parts) | Aggregate(parts):
            return parts
        case Message(_, fields):
            return tuple(value for _, value in fields)
        case Comprehension() as loop:
            return (loop.range, loop.start, loop.condition, loop.step, loop.result)


def with_parts(expression: E, parts: Sequence[Expression]) -> E:
    """The same of other parts; itself, if they are its own."""
    is_same = all(map(operator.is_, parts_of(expression), parts))
    return expression if is_same else _made_of(expression, parts)


def _made_of(expression: Expression, parts: Sequence[Expression]) -> Any:
    match expression:
        case Select():
            return replace(expression, operand=parts[0])
        case Call():
            return replace(expression, arguments=tuple(parts))
        case Aggregate():
            return replace(expression, parts=tuple(parts))
        case Message(_, fields):
            return replace(expression, fields=tuple(zip((name for name, _ in fields), parts, strict=True)))
        case Comprehension():
            source, start, condition, step, result = parts
            return replace(
                expression, range=source, start=start, condition=condition, step=step, result=result
            )
    return expression


def walk(expression: Expression) -> Iterator[Expression]:
    """All of it, from the outside to the inside."""
    pending = [expression]
    while pending:
        each = pending.pop()
        yield each
        pending.extend(reversed(parts_of(each)))


def has_loops(expression: Expression) -> bool:
    """Whether it may look at all items of something."""
    return any(isinstance(each, Comprehension) for each in walk(expression))


def names_in(expression: Expression) -> set[str]:
    """The variables that an expression looks at, its own included."""
    return {each.name for each in walk(expression) if isinstance(each, Identifier)}


def fields_of(expression: Expression, variable: str) -> set[str]:
    """The fields of a variable that an expression names."""
    own = Identifier(variable)
    found = set()
    for each in walk(expression):
        match each:
            case Select(operand, name) if operand == own:
                found.add(name)
            case Call("_?._", (operand, Constant(str(name)))) if operand == own:
                found.add(name)
    return found


def qualified_name(expression: Expression) -> str | None:
    """`a.b.c`, if that is all it is."""
    match expression:
        case Identifier(name):
            return name
        case Select(operand, field, False):
            before = qualified_name(operand)
            return f"{before}.{field}" if before is not None else None
    return None
