"""Connections that are gone at the end: what is left of one is told of in some later test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(
    host: str, port: int, tls: ssl.SSLContext | None = None, *, name: str | None = None, limit: int = 1 << 16
) -> AsyncIterator[Streams]:
    """`name` is what the server is to be called in its certificate; at most `limit` bytes are read ahead."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=name, limit=limit)
    try:
        yield reader, writer
    finally:
        await hang_up(reader, writer)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Also all that a server does whom nobody asks anything."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
