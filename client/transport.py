"""A pool of connections to one server, and httpx's transport on top of it.

Stock httpx spends five times more CPU on a request than this. The hot paths of `rest` call `exchange` and
`open` directly; `HttpxTransport` gives everything else httpx's interface over the same connections.
A request is sent a second time only if it is safe to repeat and its kept-alive connection was dead.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from weakref import WeakSet

from client.connection import Connection, Headers
from client.errors import ConnectionFailed, ConnectionRefused, ConnectionTimeout, StaleConnection

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 50.0
"""A connection idle for longer is not used again: servers close theirs after a minute or more."""

AT_ONCE = 64
"""Exchanges under way at a time. More would only make more connections, each with its handshake."""

_REPEATABLE = (b"GET", b"HEAD", b"OPTIONS")


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> str | None:
        return find_header(self.headers, name)


def find_header(headers: Headers, name: bytes) -> str | None:
    """The first header of that name (given in lower case)."""
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)


class Stream:
    """An answer whose body is read as it comes; must be closed. All of it come, the connection is kept."""

    def __init__(
        self, connection: Connection, headers: Headers, release: Callable[[Connection], None]
    ) -> None:
        self._connection, self._release = connection, release
        self.status, self.headers = connection.status, headers

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.chunks()

    async def read(self) -> bytes:
        return await self._connection.read_all()

    async def aclose(self) -> None:
        """Gives the connection back if the whole body has come, and ends it otherwise."""
        self._release(self._connection)


def dial_error(host: str, port: int, error: OSError) -> ConnectionFailed:
    """Why there is no connection, in the words of Go's net and crypto/tls."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    match error:
        case OSError() if f"[Errno {errno.ECONNREFUSED}]" in str(error):  # of one address, or of all
            return ConnectionRefused(address)
        case ssl.SSLCertVerificationError():
            return ConnectionFailed(f"tls: failed to verify certificate: x509: {_x509(error)}")
        case ssl.SSLError():
            return ConnectionFailed(f"tls: {error.reason or error}".lower().replace("_", " "))
        case socket.gaierror():
            return ConnectionFailed(f"dial tcp: lookup {host}: no such host")
        case TimeoutError():
            return ConnectionFailed(f"dial tcp {address}: i/o timeout")
    return ConnectionFailed(f"dial tcp {address}: {error.strerror or error}")


def _x509(error: ssl.SSLCertVerificationError) -> str:
    reason = error.verify_message
    if "self-signed" in reason or "unable to get" in reason:
        return "certificate signed by unknown authority"
    if "expired" in reason or "not yet valid" in reason:
        return "certificate has expired or is not yet valid"
    return reason


class Transport:
    """Connections to one server. There is no limit to those that stream: each watch needs its own."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        unix_path: str | None = None,
    ) -> None:
        self._host, self._port, self._unix_path = host, port, unix_path
        self._ssl = ssl_context
        self._server_hostname = (server_hostname or host) if ssl_context else None
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._idle: deque[Connection] = deque()
        self._live: WeakSet[Connection] = WeakSet()
        self._closed = False

    async def exchange(self, method: bytes, data: bytes, *, seconds: float | None = None) -> Response:
        """Sends a request (its bytes, head and body) when it is its turn, and reads the whole answer."""
        try:
            async with self._turn, asyncio.timeout(seconds):
                return await self._exchange(method, data)
        except TimeoutError as error:
            raise ConnectionTimeout(seconds) from error

    async def open(self, method: bytes, data: bytes, *, seconds: float | None = None) -> Stream:
        """Sends a request and reads the head of the answer. The limit covers the head only."""
        try:
            async with asyncio.timeout(seconds):
                return await self._open(method, data)
        except TimeoutError as error:
            raise ConnectionTimeout(seconds) from error

    async def aclose(self) -> None:
        """Ends all connections, and with them the exchanges under way."""
        self._closed = True
        self._idle.clear()
        await asyncio.gather(*(connection.aclose() for connection in list(self._live)))

    async def _exchange(self, method: bytes, data: bytes) -> Response:
        while True:
            connection = self._take_idle() or await self._connect()
            try:
                connection.start(data)
                body = await connection.read_all()
                headers = await connection.read_head()
                return Response(connection.status, headers, body)
            except StaleConnection:
                if method not in _REPEATABLE:
                    raise
            finally:
                self._release(connection)

    async def _open(self, method: bytes, data: bytes) -> Stream:
        while True:
            connection = self._take_idle() or await self._connect()
            try:
                connection.start(data, streaming=True)
                return Stream(connection, await connection.read_head(), self._release)
            except StaleConnection:
                if method not in _REPEATABLE:
                    raise
            except BaseException:
                connection.abort()
                raise

    def _take_idle(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().close()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        return None

    def _release(self, connection: Connection) -> None:
        """Keeps a connection whose exchange is complete; the rest of another would confuse the next one."""
        if connection.is_reusable and not self._closed:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.abort()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if self._unix_path is not None:
                    _, connection = await loop.create_unix_connection(Connection, self._unix_path)
                else:
                    _, connection = await loop.create_connection(
                        Connection, self._host, self._port,
                        ssl=self._ssl, server_hostname=self._server_hostname,
                    )  # fmt: skip
        except (OSError, ssl.SSLError, socket.gaierror) as error:
            raise dial_error(self._host, self._port, error) from error
        self._live.add(connection)
        return connection
