"""A number that may be given as a share: maxSurge, maxUnavailable, minAvailable. Pure."""

from __future__ import annotations


def scaled_value(value: int | str, whole: int, *, up: bool) -> int:
    """A number, or a percentage of the whole rounded up or down."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * whole
    return -(-share // 100) if up else share // 100
