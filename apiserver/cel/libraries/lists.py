"""Kubernetes' functions of lists, and cel-go's ext.Lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from apiserver.cel.equality import equal, joined, read
from apiserver.cel.libraries.function import Function, function, method


def _is_sorted(values: Sequence[Any]) -> bool:
    return all(_compared(left, right) for left, right in pairwise(values))


def _compared(left: Any, right: Any) -> bool:
    try:
        return bool(left <= right)
    except TypeError:
        raise ValueError("no such overload") from None


def _sum(values: Sequence[Any], zero: Any = 0) -> Any:
    if not all(isinstance(each, (int, float, timedelta)) for each in values):
        raise ValueError("no such overload")
    return sum(values[1:], values[0]) if values else zero


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


def _index_of(values: Sequence[Any], wanted: Any) -> int:
    return next((index for index, each in enumerate(values) if each == wanted), -1)


def _last_index_of(values: Sequence[Any], wanted: Any) -> int:
    return next((index for index in range(len(values) - 1, -1, -1) if values[index] == wanted), -1)


def _sort(values: Sequence[Any], keys: Sequence[Any] | None = None) -> list[Any]:
    by = values if keys is None else keys
    try:
        return [values[index] for index in sorted(range(len(values)), key=by.__getitem__)]
    except TypeError:
        raise ValueError("list elements must have the same type") from None


def _merged(entries: Sequence[dict[Any, Any]]) -> dict[Any, Any]:
    """Of transformMap and transformMapEntry."""
    result: dict[Any, Any] = {}
    for entry in entries:
        for key, value in entry.items():
            if key in result:
                raise ValueError(f"insert failed: key {key} already exists")
            result[key] = value
    return result


_NUMBERS = ("int", "uint", "double")
_COMPARABLE = (*_NUMBERS, "duration", "bool", "timestamp", "string", "bytes")

FUNCTIONS: tuple[Function, ...] = (
    *(method("isSorted", f"list<{kind}>", "bool", _is_sorted) for kind in _COMPARABLE),
    *(method("sum", f"list<{kind}>", kind, _sum) for kind in _NUMBERS),
    method("sum", "list<duration>", "duration", lambda values: _sum(values, timedelta()), "@sumOfDurations"),
    *(method("min", f"list<{kind}>", kind, lambda values: _extreme("min", values)) for kind in _COMPARABLE),
    *(method("max", f"list<{kind}>", kind, lambda values: _extreme("max", values)) for kind in _COMPARABLE),
    method("indexOf", "list<T> T", "int", _index_of),
    method("lastIndexOf", "list<T> T", "int", _last_index_of),
    method("slice", "list<T> int int", "list<T>", _slice),
    method("flatten", "list<list<T>>", "list<T>", _flatten),
    method("flatten", "list<dyn> int", "list<dyn>", _flatten),
    method("distinct", "list<T>", "list<T>", _distinct),
    *(method("sort", f"list<{kind}>", f"list<{kind}>", _sort) for kind in _COMPARABLE),
    *(method("@sortByAssociatedKeys", f"list<T> list<{kind}>", "list<T>", _sort) for kind in _COMPARABLE),
    method("reverse", "list<T>", "list<T>", lambda values: values[::-1]),
    function("lists.range", "int", "list<int>", lambda size: [*range(size)]),
    *(
        function("@equal", f"{kind} {kind} string", "bool", lambda a, b, plan: equal(a, b, read(plan)))
        for kind in ("list<T>", "map<K,V>")
    ),
    function("@joined", "list<T> list<T> string", "list<T>", lambda a, b, plan: joined(a, b, read(plan))),
    function("cel.@merged", "list<map<K,V>>", "map<K,V>", _merged),
)
