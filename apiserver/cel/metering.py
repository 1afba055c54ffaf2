"""What calls cost when they are evaluated, in the units of cel-go's cost tracker.

A metered expression (`metered_form`) calls `cel.@spend` with a formula and the sizes that it asks for.
Source: interpreter/runtimecost.go and ext/lists.go of cel-go, pkg/cel/library/cost.go of k8s.io/apiserver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from math import ceil
from typing import Any

from apiserver.cel.libraries.function import Function, function

_TRAVERSAL, _REGEX = 0.1, 0.25
"""Of one character."""
_NEW_LIST, _REQUIREMENT = 10, 50


class Meter:
    """Counts what one evaluation costs; beyond the limit it says so, and loops end."""

    def __init__(self, limit: int) -> None:
        self.spent = 0
        self._limit = limit

    @property
    def is_over(self) -> bool:
        return self.spent > self._limit

    def spend(self, cost: int) -> bool:
        self.spent += cost
        return self.spent <= self._limit


METER: ContextVar[Meter] = ContextVar("meter")


def _read(size: int, times: int = 1) -> int:
    return ceil(size * times * _TRAVERSAL)


def _pattern(text: int, pattern: int) -> int:
    return ceil((1.0 + text) * _TRAVERSAL) * ceil(pattern * _REGEX)


def _list(size: int, factor: float = 1) -> int:
    return int(size * factor) + 1 + _NEW_LIST


def _within(network: int, other: int) -> int:
    return _read(network, 2) + _read(other)


def _selector(size: int) -> int:
    return _NEW_LIST + _read(size) + ceil(ceil(size * 0.5) * _REQUIREMENT)


FORMULAS: Mapping[str, Callable[..., int]] = {
    "plain": lambda cost: cost,
    "read": _read,
    "read twice": lambda size: _read(size, 2),
    "read, whole": lambda size: int(size * _TRAVERSAL),
    "least": lambda one, other: _read(min(one, other)),
    "sum": lambda one, other: _read(one + other),
    "product": lambda text, part: _read(text) * _read(part),
    "pattern": _pattern,
    "new list": _list,
    "pairs": lambda size, is_text: _list(size * size, 2 + (_TRAVERSAL if is_text else 0)),
    "subset": lambda one, other: 1 + one * other,
    "same": lambda one, other: 1 + 2 * one * other,
    "address": _within,
    "network": lambda network, other: _within(network, other) + _read(network) + 1,
    "selector": _selector,
}
_BY_NUMBER = tuple(FORMULAS.values())
NUMBERS = {name: number for number, name in enumerate(FORMULAS)}

FIXED = {"check": 350_000}
PATTERN_SIZES = {
    "dns1123Label": 30, "dns1123LabelPrefix": 30, "dns1035Label": 30, "dns1035LabelPrefix": 30,
    "dns1123Subdomain": 60, "dns1123SubdomainPrefix": 60, "qualifiedName": 60, "labelValue": 40,
    "uri": 1103, "byte": 84, "uuid": 70, "date": 71, "datetime": 71,
}  # fmt: skip
"""What is counted for the pattern of a format, whether it has one or not."""


def _traversal(value: Any) -> int:
    """What it costs to look at all that is in a value."""
    if isinstance(value, str):
        return int(len(value.encode()) * _TRAVERSAL)
    if isinstance(value, (bytes, bytearray)):
        return int(len(value) * _TRAVERSAL)
    if isinstance(value, list):
        return sum(map(_traversal, value))
    if isinstance(value, dict):
        return sum(_traversal(key) + _traversal(each) for key, each in value.items())
    return 1


def _prefix_bytes(cidr: str) -> int:
    return ceil(int(cidr.rpartition("/")[2]) / 8)


FUNCTIONS: tuple[Function, ...] = (
    function("cel.@pay", "int", "bool", lambda cost: METER.get().spend(cost)),
    function(
        "cel.@spend", "int list<int>", "bool",
        lambda formula, sizes: METER.get().spend(_BY_NUMBER[formula](*sizes)),
    ),
    function("cel.@traversal", "T", "int", _traversal),
    function("cel.@prefixBytes", "CIDR", "int", _prefix_bytes),
    function("cel.@patternSize", "NamedFormat", "int", PATTERN_SIZES.__getitem__),
)  # fmt: skip
