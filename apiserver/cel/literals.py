"""Constants that cannot be what they are given for: durations, times and patterns.

Source: cel/validator.go of cel-go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.times import parse_time
from apiserver.cel.syntax import Call, Constant, Expression, walk
from apiserver.patterns import compile_pattern

_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799
"""Of the years that there are, since 1970."""


def problems_of_literals(expression: Expression) -> Iterator[tuple[int, str]]:
    """Where, and what."""
    for each in walk(expression):
        if not isinstance(each, Call) or each.function not in _CHECKS:
            continue
        arguments = each.arguments[each.is_member :]
        if (
            arguments
            and isinstance(arguments[0], Constant)
            and not _is_good(each.function, arguments[0].value)
        ):
            yield arguments[0].position, f"invalid {each.function} argument"


def _is_good(function: str, value: Any) -> bool:
    try:
        _CHECKS[function](value)
    except ValueError:
        return False
    return True


def _duration(value: Any) -> None:
    if isinstance(value, str):
        parse_duration(value)


def _timestamp(value: Any) -> None:
    if isinstance(value, str):
        parse_time(value)
    elif not _FIRST_SECOND <= value <= _LAST_SECOND:
        raise ValueError("no such time")


_CHECKS: Mapping[str, Callable[[Any], object]] = {
    "duration": _duration,
    "timestamp": _timestamp,
    "matches": compile_pattern,
}
