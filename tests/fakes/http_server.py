"""A scripted HTTP server on a real socket: what it answers, byte by byte, and what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One request that came, and the means to answer it."""

    def __init__(self, head: str, body: bytes, number: int, writer: asyncio.StreamWriter) -> None:
        self.head, self.body, self.connection = head, body, number
        self._writer = writer

    @property
    def line(self) -> str:
        return self.head.partition("\r\n")[0]

    def header(self, name: str) -> str | None:
        pairs = (line.partition(": ") for line in self.head.split("\r\n")[1:])
        return next((value for key, _, value in pairs if key.lower() == name), None)

    async def answer(self, body: bytes = b"{}", status: str = "200 OK", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
        await self.send("\r\n".join(lines).encode() + body)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


class ScriptedServer:
    """Runs its script for every request, and keeps what was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
                exchange = Exchange(head, b"", number, writer)
                length = exchange.header("content-length")
                exchange.body = await reader.readexactly(int(length)) if length else b""
                self.exchanges.append(exchange)
                await self.script(exchange)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # the client, or the test, is done
        finally:
            writer.close()


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[ScriptedServer]:
    """A running server on a free port."""
    it = ScriptedServer(script)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
