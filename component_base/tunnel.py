"""Requests that ask to switch protocols (exec, attach, port-forward), for servers that run on uvicorn.

The handler of such a request finds a Tunnel among the scope's extensions: it answers as ever, or switches
and has the connection's bytes for itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

UPGRADE = "sampan.upgrade"
"""The scope extension that holds the Tunnel of a request which asks to switch protocols."""

_HIGH_WATER = 1 << 16
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STAND_IN = b"UNLINK"


class Tunnel:
    """The bytes of a connection after its request's head: a ByteStream once `switch` was called."""

    def __init__(self, protocol: TunnelProtocol) -> None:
        self._protocol = protocol
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._arrived = asyncio.Event()
        self.has_switched = False
        self.last_used = protocol.loop.time()
        """When bytes came or went, by the clock of the loop."""

    def switch(self, headers: Iterable[tuple[str, str]]) -> None:
        """Answers 101 Switching Protocols and takes the connection over."""
        self.has_switched = True
        cycle = self._protocol.cycle
        cycle.response_started = cycle.response_complete = True
        lines = ("HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in headers))
        self._protocol.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def read(self) -> bytes:
        while not self._chunks and not self._ended:
            self._arrived.clear()
            await self._arrived.wait()
        data = b"".join(self._chunks)
        self._chunks, self._size = [], 0
        self._protocol.flow.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        if not self._protocol.transport.is_closing():
            self._protocol.transport.write(data)
            self.last_used = self._protocol.loop.time()

    async def drain(self) -> None:
        await self._protocol.flow.drain()
        if self._protocol.transport.is_closing():
            raise ConnectionResetError("the client has gone")

    def close(self) -> None:
        self._protocol.transport.close()

    # For the protocol.

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        self.last_used = self._protocol.loop.time()
        if self._size > _HIGH_WATER:
            self._protocol.flow.pause_reading()
        self._arrived.set()

    def feed_eof(self) -> None:
        self._ended = True
        self._arrived.set()


def _nothing() -> None:
    """Nothing follows the last answer of a connection."""


class TunnelProtocol(HttpToolsProtocol):
    """One connection. Subclasses add to `extensions` what else the scopes of its requests are to have."""

    extensions: dict[str, Any]
    _tunnel: Tunnel | None = None
    _method = ""
    """That of a request whose head is being read, if the parser does not know it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.extensions = {}

    def connection_lost(self, exc: Exception | None) -> None:
        if self._tunnel is not None:
            self._tunnel.feed_eof()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self.cycle is not None:
            self.cycle.on_response = _nothing  # no ring of references: a connection's buffers go with it

    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.feed(data)
            return
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if rest and self._tunnel is not None:
                self._tunnel.feed(rest)
        except httptools.HttpParserError:
            self.send_400_response("400 Bad Request")

    def _parse(self, data: bytes) -> None:
        """Methods that the parser does not know pass it under another name; who serves them refuses them.

        Behind another request in the same bytes there are none: that one would be begun a second time.
        """
        before = self.cycle
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserInvalidMethodError:
            method, _, rest = data.partition(b" ")
            if self.cycle is not before or not _METHOD.fullmatch(method):
                raise
            self._method = method.decode()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(b"%b %b" % (_STAND_IN, rest))

    def on_headers_complete(self) -> None:
        extensions = self.extensions
        if self.parser.should_upgrade():
            self._tunnel = Tunnel(self)
            extensions = {**extensions, UPGRADE: self._tunnel}
        self.scope["extensions"] = extensions
        super().on_headers_complete()
        if self._method:
            self.scope["method"], self._method = self._method, ""
        if self._tunnel is not None:
            # The parser stops here: without a switch the connection ends with the answer.
            self.cycle.keep_alive = False

    def _should_upgrade(self) -> bool:
        """uvicorn's own way to WebSockets is not taken."""
        return False
