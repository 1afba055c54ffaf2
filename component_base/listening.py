"""Addresses that a daemon listens on, and what it says of those that it can't have. In Go's words."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from component_base.explained import ExplainedError

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class ListenError(ExplainedError):
    """Somebody else listens there, or nobody may."""


@contextmanager
def listening(address: str, port: int, network: str = "tcp") -> Iterator[None]:
    """What the system refuses within it is a ListenError."""
    try:
        yield
    except OSError as error:
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        reason = f"listen {network} {place}: {_reason(error)}"
        raise ListenError(f"failed to listen on {place}: {reason}") from error


def _reason(error: OSError) -> str:
    """uvloop tells of UDP by the cause. An errno below 0 is of a name that has no address."""
    if error.errno is None and isinstance(error.__cause__, OSError):
        return _reason(error.__cause__)
    if error.errno is None or error.errno <= 0:
        return str(error.strerror or error)
    return f"bind: {os.strerror(error.errno).lower()}"


async def start_when_free(start: Callable[[], Awaitable[object]], server: str) -> None:
    """A server that its daemon goes on without, until it can be started."""
    is_told = False
    while True:
        try:
            await start()
        except ListenError as error:
            log.log(
                logging.DEBUG if is_told else logging.ERROR,
                "Failed to start a server, will retry: server=%s error=%s",
                server,
                error,
            )
            is_told = True
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
