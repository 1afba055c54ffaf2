"""Calls to one of several servers, over one connection that is made again when it is lost."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from component_base.grpc.call import StreamCall
from component_base.grpc.connection import Connection
from component_base.grpc.status import Code, GrpcError

_CONNECT_SECONDS = 2.0
_BACKOFF, _MAX_BACKOFF = 0.05, 1.0
USER_AGENT = "sampan"


class Endpoint(NamedTuple):
    """Where a server listens: host and port, or the path of a Unix socket."""

    host: str
    port: int = 0
    secure: bool = False

    @classmethod
    def parse(cls, url: str, default_port: int) -> Endpoint:
        """`https://host:port`, `http://host:port`, `host:port`, `unix:///path`."""
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme.startswith("unix"):
            return cls(parts.path)
        return cls(parts.hostname or "", parts.port or default_port, parts.scheme == "https")

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else "localhost"


async def connect(
    endpoint: Endpoint, tls: ssl.SSLContext | None = None, user_agent: str = USER_AGENT
) -> Connection:
    """A connection that is ready for calls. Raises OSError, GrpcError."""
    loop = asyncio.get_running_loop()

    def new() -> Connection:
        return Connection(endpoint.authority, user_agent, secure=endpoint.secure)

    if endpoint.port:
        context = tls if endpoint.secure else None
        _, connection = await loop.create_connection(new, endpoint.host, endpoint.port, ssl=context)
    else:
        _, connection = await loop.create_unix_connection(new, endpoint.host)
    try:
        await connection.ready
    except BaseException:
        connection.abort("nobody waits for it")
        raise
    return connection


@dataclass(slots=True)
class Stream:
    """Messages either way; `read` tells None once the server has ended it well."""

    connection: Connection
    call: StreamCall

    def write(self, message: bytes) -> None:
        self.connection.write(self.call, message)

    async def read(self) -> bytes | None:
        """Raises GrpcError."""
        return await self.call.read()


class Channel:
    """Calls wait for a connection as long as their time allows: a restart of the server is only slow."""

    def __init__(self, endpoints: Sequence[Endpoint], tls: ssl.SSLContext | None = None) -> None:
        self._endpoints = list(endpoints)
        self._tls = tls
        self._turn = 0
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._failure: Exception | None = None

    def __repr__(self) -> str:
        return f"<Channel to {len(self._endpoints)}, {self._connection or 'not connected'}>"

    async def unary(self, path: str, message: bytes, seconds: float) -> bytes:
        """The answer to one message, in so many seconds. What surely did not happen is tried again.

        Raises GrpcError.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            connection = await self._connected(deadline)
            try:
                call = connection.unary(path, message, deadline - asyncio.get_running_loop().time())
                try:
                    return await call.answer
                except asyncio.CancelledError:
                    connection.cancel(call)
                    raise
            except GrpcError as error:
                if not error.unprocessed:
                    raise

    @asynccontextmanager
    async def stream(self, path: str, seconds: float, **metadata: str) -> AsyncIterator[Stream]:
        """A stream that is cancelled at the end of the block; `seconds` is for the connection alone."""
        connection = await self._connected(asyncio.get_running_loop().time() + seconds)
        call = connection.stream(path, **metadata)
        try:
            yield Stream(connection, call)
        finally:
            connection.cancel(call)

    def move_on(self, reason: str) -> None:
        """New calls go to the next server, if there is another; those under way are left to end."""
        if self._connection is not None and len(self._endpoints) > 1:
            self._turn += 1
            self._connection.close(reason)

    async def aclose(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._connection is not None:
            self._connection.abort("closed by the client")

    async def _connected(self, deadline: float) -> Connection:
        if self._connection is not None and self._connection.is_open:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(self._connecting)
        except TimeoutError:
            raise GrpcError(Code.UNAVAILABLE, f"no connection: {self._failure}", unprocessed=True) from None

    async def _connect(self) -> Connection:
        """Tries one server after the other, pausing after each round, until one takes the connection."""
        backoff = _BACKOFF
        while True:
            endpoint = self._endpoints[self._turn % len(self._endpoints)]
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    self._connection = await connect(endpoint, self._tls)
            except (OSError, GrpcError) as error:
                self._failure = error
                self._turn += 1
                if self._turn % len(self._endpoints) == 0:
                    await asyncio.sleep(backoff)
                    backoff = min(2 * backoff, _MAX_BACKOFF)
            else:
                self._connecting = None
                return self._connection
