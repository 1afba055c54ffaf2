"""What a check finds, and how findings are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from apimachinery.objects import Object
from apimachinery.pods import all_containers


class Violation(NamedTuple):
    """Why a pod is not allowed, in short, and where it says what it may not."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check = Callable[[Object, Object], Violation | None]
"""check(metadata, spec) of a pod or of a pod template."""


def quoted(items: Iterable[str]) -> str:
    return ", ".join(f'"{item}"' for item in items)


def plural(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or f"{one}s"


def named(containers: Sequence[str]) -> str:
    """`container "a"` or `containers "a", "b"`."""
    return f"{plural(len(containers), 'container')} {quoted(containers)}"


def setters(pod: bool, containers: Sequence[str]) -> str:
    """Who says something: the pod itself, containers of it, or both."""
    return " and ".join([*(["pod"] if pod else ()), *([named(containers)] if containers else ())])


def security_of(holder: Object) -> Object:
    return holder.get("securityContext") or {}


def containers_where(spec: Object, is_bad: Callable[[Object], object]) -> list[str]:
    """Names of the containers, those of every sort, whose security context is bad."""
    return [each.get("name", "") for each in all_containers(spec) if is_bad(security_of(each))]
