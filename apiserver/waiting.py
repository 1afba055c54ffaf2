"""How long a request has waited for others: for its turn, for webhooks. The rest is the server's own time.

Source: pkg/endpoints/request/webhook_duration.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter


class Waits:
    """Seconds in all."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


_CURRENT: ContextVar[Waits] = ContextVar("waits")


def begin() -> Waits:
    """Of the request that is served from now on in this context."""
    waits = Waits()
    _CURRENT.set(waits)
    return waits


@contextmanager
def waiting() -> Iterator[None]:
    """Around what is somebody else's time. Waits that go on side by side need one `waiting` around them."""
    began = perf_counter()
    try:
        yield
    finally:
        waits = _CURRENT.get(None)
        if waits is not None:
            waits.seconds += perf_counter() - began
