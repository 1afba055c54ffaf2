"""The client's end of an exec or attach, whichever protocol it speaks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from kubelet.runtime.interface import ContainerRuntimeError, ExecStream
from kubelet.server.remotecommand.status import Status

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The streams that a client asks for."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


class ClientStreams(Protocol):
    async def deliver(self, process: ExecStream) -> None:
        """Hands input and terminal sizes to the process, until the client has gone."""

    async def until_gone(self) -> None:
        """As `deliver`, with nobody to hand anything to."""

    async def send(self, stream: int, data: bytes) -> None:
        """1 is stdout, 2 is stderr. Raises ConnectionError."""

    def finish(self, status: Status) -> None:
        """The last word; `deliver` returns when the client has hung up after it."""


async def write(process: ExecStream, data: bytes) -> None:
    """A process that takes no more input may still have something to say."""
    try:
        await process.write(data)
    except (ContainerRuntimeError, OSError) as error:
        log.info("Input not delivered: error=%s", error)


async def resize(process: ExecStream, data: bytes) -> None:
    size = read_size(data)
    if size is None:
        return
    try:
        await process.resize(*size)
    except (ContainerRuntimeError, OSError) as error:
        log.info("Terminal not resized: error=%s", error)


def read_size(data: bytes) -> tuple[int, int] | None:
    """Width and height, from the client's JSON; None for what is neither."""
    try:
        size: Any = orjson.loads(data)
        return int(size["Width"]), int(size["Height"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
