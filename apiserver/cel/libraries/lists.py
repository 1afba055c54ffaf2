"""Kubernetes' functions of lists, and cel-go's ext.Lists without sortBy, which is a macro."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from apiserver.cel.libraries.function import Function, function, method


def _is_sorted(values: Sequence[Any]) -> bool:
    return all(_compared(left, right) for left, right in pairwise(values))


def _compared(left: Any, right: Any) -> bool:
    try:
        return bool(left <= right)
    except TypeError:
        raise ValueError("no such overload") from None


def _sum(values: Sequence[Any]) -> Any:
    if not all(isinstance(each, (int, float, timedelta)) for each in values):
        raise ValueError("no such overload")
    return sum(values[1:], values[0]) if values else 0


def _extreme(name: str, values: Sequence[Any]) -> Any:
    if not values:
        raise ValueError(f"{name} called on empty list")
    try:
        return min(values) if name == "min" else max(values)
    except TypeError:
        raise ValueError("no such overload") from None


def _slice(values: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise ValueError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise ValueError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(values):
        raise ValueError(f"cannot slice({start}, {end}), list is length {len(values)}")
    return values[start:end]


def _flatten(values: Sequence[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise ValueError("level must be non-negative")
    result: list[Any] = []
    for each in values:
        result += _flatten(each, depth - 1) if isinstance(each, list) and depth else [each]
    return result


def _distinct(values: Sequence[Any]) -> list[Any]:
    result: list[Any] = []
    result.extend(each for each in values if each not in result)
    return result


def _sort(values: Sequence[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        raise ValueError("list elements must be comparable") from None


def _index_of(values: Sequence[Any], wanted: Any) -> int:
    return next((index for index, each in enumerate(values) if each == wanted), -1)


def _last_index_of(values: Sequence[Any], wanted: Any) -> int:
    return next((index for index in range(len(values) - 1, -1, -1) if values[index] == wanted), -1)


_ITEMS = ("bool", "bytes", "double", "duration", "int", "list", "map", "string", "timestamp")
"""The runtime finds no overload by a parameter of any type: each is told by itself."""

FUNCTIONS: tuple[Function, ...] = (
    method("isSorted", "list", "bool", _is_sorted),
    method("sum", "list", "dyn", _sum),
    method("min", "list", "dyn", lambda values: _extreme("min", values)),
    method("max", "list", "dyn", lambda values: _extreme("max", values)),
    method("slice", "list int int", "list", _slice),
    method("flatten", "list", "list", _flatten),
    method("flatten", "list int", "list", _flatten),
    method("distinct", "list", "list", _distinct),
    method("sort", "list", "list", _sort),
    method("reverse", "list", "list", lambda values: values[::-1]),
    *(method("indexOf", f"list {kind}", "int", _index_of) for kind in _ITEMS),
    *(method("lastIndexOf", f"list {kind}", "int", _last_index_of) for kind in _ITEMS),
    function("lists.range", "int", "list", lambda size: [*range(size)]),
)
