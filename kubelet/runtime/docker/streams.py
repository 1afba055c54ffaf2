"""The byte streams of exec, attach and logs: Docker's framing of stdout and stderr taken apart.

A frame is one byte for the stream, three of nothing, four for the length, then the data; with a terminal
there are no frames and all is stdout.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from kubelet.runtime.docker.connection import Connection

STDOUT = 1
_HEADER = 8
_PIECE = 1 << 16

Resize = Callable[[int, int], Awaitable[None]]
Wait = Callable[[], Awaitable[int]]


class Demultiplexer:
    """Takes pieces as they come off the wire and gives the data of frames, without waiting for whole ones."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream = STDOUT
        self._left = 0

    def feed(self, piece: bytes) -> Iterator[tuple[int, bytes]]:
        view = memoryview(piece)
        while view:
            if self._left:
                data, view = view[: self._left], view[self._left :]
                self._left -= len(data)
                yield self._stream, bytes(data)
            else:
                view = self._take_header(view)

    def _take_header(self, view: memoryview) -> memoryview:
        wanted = _HEADER - len(self._header)
        self._header += view[:wanted]
        if len(self._header) == _HEADER:
            self._stream, self._left = self._header[0], int.from_bytes(self._header[4:], "big")
            self._header.clear()
        return view[wanted:]


async def demultiplexed(pieces: AsyncIterator[bytes], *, tty: bool) -> AsyncIterator[tuple[int, bytes]]:
    split = Demultiplexer()
    async for piece in pieces:
        if tty:
            yield STDOUT, piece
        else:
            for each in split.feed(piece):
                yield each


class DockerStream:
    """A running exec or attach over a connection that was upgraded to raw bytes."""

    def __init__(self, connection: Connection, *, tty: bool, resize: Resize, wait: Wait) -> None:
        self._connection = connection
        self._pieces = demultiplexed(self._read_raw(), tty=tty)
        self._resize = resize
        self._wait = wait

    async def read(self) -> tuple[int, bytes] | None:
        return await anext(self._pieces, None)

    async def write(self, data: bytes) -> None:
        self._connection.writer.write(data)
        # The command may have ended without reading what was left of its stdin.
        try:
            await self._connection.writer.drain()
        except OSError:
            return

    async def close_stdin(self) -> None:
        if self._connection.writer.can_write_eof() and not self._connection.writer.is_closing():
            self._connection.writer.write_eof()

    async def resize(self, width: int, height: int) -> None:
        await self._resize(width, height)

    async def wait(self) -> int:
        """What is left to be read is thrown away."""
        while await self.read() is not None:
            pass
        return await self._wait()

    async def aclose(self) -> None:
        self._connection.close()

    async def _read_raw(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._connection.reader.read(_PIECE):
                yield piece
        except (OSError, asyncio.IncompleteReadError):
            return
