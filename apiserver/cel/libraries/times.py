"""Functions of times that the runtime has, too, but takes to mean something else than cel-go does."""

from __future__ import annotations

from datetime import timedelta

from apiserver.cel.libraries.function import Function, method


def _milliseconds(duration: timedelta) -> int:
    """All of them, not only those beyond the last second."""
    return int(duration / timedelta(milliseconds=1))


FUNCTIONS: tuple[Function, ...] = (
    method("getMilliseconds", "duration", "int", _milliseconds, "@getMilliseconds"),
)
