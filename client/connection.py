"""One HTTP/1.1 connection on asyncio and httptools: an exchange at a time, with streaming and flow control.

Owns the state machine of a connection. The pool of connections and retries are in `transport`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httptools

from client.errors import ConnectionFailed, StaleConnection

HIGH_WATER = 1 << 20
"""Bytes received and not yet read, from which on the socket is no longer read."""

Headers = list[tuple[bytes, bytes]]

_KEEP_ALIVE = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 15),
    ("TCP_KEEPCNT", 4),
    ("TCP_USER_TIMEOUT", 75_000),
)  # seconds, count, milliseconds: a vanished peer is noticed after about a minute


class Connection(asyncio.Protocol):
    """Connected, then any number of exchanges: `start`, then `read_head` and `read`, or `read_all`."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._paused = False
        self._exchanges = 0
        self._lost = asyncio.get_running_loop().create_future()
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self._headers: Headers = []
        self._chunks: list[bytes] = []
        self._size = 0
        self._streaming = False
        self._head_complete = self._complete = self._answered = self._keep_alive = False
        self.status = 0

    def __repr__(self) -> str:
        state = "lost" if self._error else "idle" if self._complete or not self._exchanges else "busy"
        return f"<Connection {state} exchanges={self._exchanges}>"

    # What the pool does.

    @property
    def is_usable(self) -> bool:
        """Whether a request may be sent on it."""
        return self._error is None and not self._transport.is_closing()

    @property
    def is_reusable(self) -> bool:
        """Whether the exchange is over, the server keeps the connection, and we still read from it."""
        return self._keep_alive and not self._paused and self.is_usable

    def start(self, data: bytes, *, streaming: bool = False) -> None:
        """Sends a request; its head and body are in `data`."""
        self._reset()
        self._streaming = streaming
        self._exchanges += 1
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(data)

    async def read_head(self) -> Headers:
        while not self._head_complete:
            await self._wait()
        return self._headers

    async def read_all(self) -> bytes:
        """The whole body."""
        while not self._complete:
            await self._wait()
        return self._take()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while True:
            if self._chunks:
                yield self._take()
            elif self._complete:
                return
            else:
                await self._wait()

    def abort(self) -> None:
        """Ends it at once; for exchanges that nobody waits for any more."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def aclose(self) -> None:
        """Ends it at once; returns when the socket is closed."""
        self.abort()
        if self._transport is not None:
            await self._lost

    # What the event loop and the parser call.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            _keep_alive(sock)

    def data_received(self, data: bytes) -> None:
        if self._complete or self._parser is None:
            self._fail(ConnectionFailed("the server sent data that nobody asked for"))
            return
        self._answered = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ConnectionFailed(f"malformed HTTP response: {error!r}"))

    def eof_received(self) -> None:
        """Nothing: the transport closes itself, then connection_lost says the rest."""

    def connection_lost(self, error: Exception | None) -> None:
        if self._head_complete and not self._complete and error is None and self._ends_with_connection():
            self._complete = True
        if self._error is None:
            self._error = self._loss(error)
        self._parser = None  # each holds the other
        if not self._lost.done():
            self._lost.set_result(None)
        self._wake()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:  # an interim answer; the real one follows
            self._headers = []
            return
        self._head_complete = True
        if self._streaming:
            self._wake()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        if not self._streaming:
            return
        self._size += len(body)
        if self._size > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._head_complete:
            self._complete = True
            self._keep_alive = bool(self._parser.should_keep_alive())  # the parser forgets it afterwards
            self._wake()

    # Bookkeeping.

    def _take(self) -> bytes:
        chunks, self._chunks, self._size = self._chunks, [], 0
        if self._paused:
            self._paused = False
            with contextlib.suppress(RuntimeError):  # closed meanwhile
                self._transport.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: ConnectionFailed) -> None:
        self._error = error
        self._wake()
        self._transport.abort()

    def _loss(self, error: Exception | None) -> ConnectionFailed:
        reason = f"{error}" if error else "closed by the server"
        if self._exchanges > 1 and not self._answered:
            return StaleConnection(f"connection lost: {reason}")
        return ConnectionFailed(f"connection lost: {reason}")

    def _ends_with_connection(self) -> bool:
        framed = (b"content-length", b"transfer-encoding")
        return not any(name.lower() in framed for name, _ in self._headers)


def _keep_alive(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # a Unix socket has no such thing
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
