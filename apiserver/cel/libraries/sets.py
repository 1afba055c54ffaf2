"""cel-go's ext.Sets: lists as sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiserver.cel.libraries.function import Function, function


def _contains(whole: Sequence[Any], part: Sequence[Any]) -> bool:
    return all(each in whole for each in part)


FUNCTIONS: tuple[Function, ...] = (
    function("sets.contains", "list<T> list<T>", "bool", _contains),
    function("sets.equivalent", "list<T> list<T>", "bool", lambda a, b: _contains(a, b) and _contains(b, a)),
    function("sets.intersects", "list<T> list<T>", "bool", lambda a, b: any(each in a for each in b)),
)
