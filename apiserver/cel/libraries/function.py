"""What a library function is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """One overload. Failures are raised as ValueError; opaque values are texts."""

    name: str
    parameters: tuple[str, ...]
    """Types: `string`, `list`, `dyn`, `Quantity`, …; of a method the first is its object's."""
    result: str
    implementation: Callable[..., Any]
    is_member: bool = True


def method(name: str, parameters: str, result: str, implementation: Callable[..., Any]) -> Function:
    return Function(name, tuple(parameters.split()), result, implementation)


def function(name: str, parameters: str, result: str, implementation: Callable[..., Any]) -> Function:
    return Function(name, tuple(parameters.split()), result, implementation, is_member=False)
