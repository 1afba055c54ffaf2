"""Bytes both ways: what a socket, an upgraded request and a tunnel through a WebSocket have in common."""

from __future__ import annotations

import asyncio
from typing import Protocol

_PIECE = 1 << 16


class ByteStream(Protocol):
    """Who writes much awaits `drain` in between; who does not read holds the other side back."""

    async def read(self) -> bytes:
        """What has arrived; nothing once the other side has ended. Raises ConnectionError if cut off."""

    def write(self, data: bytes) -> None:
        """Lost in silence if the other side has gone: reading or draining tells."""

    async def drain(self) -> None:
        """Until there is room for more. Raises ConnectionError."""

    def close(self) -> None:
        """What has been written still goes out."""


class DuplexStream(ByteStream, Protocol):
    """Each direction ends by itself."""

    def end(self) -> None:
        """No more from us; reading goes on."""


async def copy(source: ByteStream, sink: DuplexStream) -> None:
    """Until the source has ended. Raises ConnectionError."""
    while data := await source.read():
        sink.write(data)
        await sink.drain()
    sink.end()


async def join(one: DuplexStream, other: DuplexStream) -> None:
    """Both ways, until both have ended, or either was cut off: then raises ConnectionError."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(one, other))
            group.create_task(copy(other, one))
    except ExceptionGroup as errors:
        if errors.split(ConnectionError)[1] is not None:
            raise
        raise errors.exceptions[0] from None
    finally:
        one.close()
        other.close()


class SocketStream:
    """The DuplexStream of an asyncio connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            return await self._reader.read(_PIECE)
        except ConnectionError:
            raise
        except OSError as error:  # of TLS, for one
            raise ConnectionError(str(error)) from error

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()

    def end(self) -> None:
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()
