"""What a library function is, and the types that libraries add."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OPAQUE = {
    "CIDR": "net.CIDR",
    "IP": "net.IP",
    **{name: f"kubernetes.{name}" for name in ("NamedFormat", "Quantity", "Semver", "URL")},
    **{
        name: f"kubernetes.authorization.{name}"
        for name in ("Authorizer", "Decision", "GroupCheck", "PathCheck", "ResourceCheck")
    },
}
"""By what they are called here. Equal values have equal texts."""
_OPAQUE = re.compile(rf"\b({'|'.join(OPAQUE)})\b")


@dataclass(frozen=True, slots=True)
class Function:
    """One overload. Failures are raised as ValueError; opaque values are texts."""

    name: str
    parameters: tuple[str, ...]
    """Types: `string`, `list<T>`, `net.IP`, …; of a method the first is its object's."""
    result: str
    """Of an optional, what is empty stands for none."""
    implementation: Callable[..., Any]
    is_member: bool = True
    runtime_name: str = ""
    """Where it must not be taken for another one: the runtime's own, or one for the same kinds of values."""


def method(
    name: str, parameters: str, result: str, implementation: Callable[..., Any], runtime_name: str = ""
) -> Function:
    return Function(name, _kinds(parameters), _kind(result), implementation, True, runtime_name)


def function(
    name: str, parameters: str, result: str, implementation: Callable[..., Any], runtime_name: str = ""
) -> Function:
    return Function(name, _kinds(parameters), _kind(result), implementation, False, runtime_name)


def _kinds(text: str) -> tuple[str, ...]:
    return tuple(map(_kind, text.split()))


def _kind(text: str) -> str:
    return _OPAQUE.sub(lambda match: OPAQUE[match[0]], text)
