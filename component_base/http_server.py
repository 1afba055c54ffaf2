"""A very small HTTP/1.1 server on asyncio and httptools, for health endpoints of daemons without FastAPI."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httptools

from component_base.listening import listening

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20
_IDLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read completely."""

    method: str
    path: str
    query: dict[str, list[str]]
    """A parameter may come more than once."""
    headers: dict[str, str]
    body: bytes = b""
    peer: Any = None
    """The subject of a client certificate that TLS has verified, as `ssl.getpeercert` gives it."""

    def parameter(self, name: str) -> str:
        """The first of its name, as Go takes it; "" if there is none."""
        return next(iter(self.query.get(name, ())), "")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, sent completely."""

    body: bytes
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Serves one handler on one address, from `start` to `aclose`."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def start(
        self, address: str, port: int, ssl_context: ssl.SSLContext | None = None, *, shares_port: bool = False
    ) -> int:
        """Binds; returns the port, which the system chose if 0 was asked for. Raises ListenError."""
        loop = asyncio.get_running_loop()
        with listening(address, port):
            self._server = await loop.create_server(
                lambda: _Connection(self._handler),
                address,
                port,
                ssl=ssl_context,
                reuse_address=True,
                reuse_port=shares_port or None,
            )
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


class _Connection(asyncio.Protocol):
    """One client; answers requests one after the other."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._parser: Any = httptools.HttpRequestParser(self)
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._reset()

    def _reset(self) -> None:
        self._url, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        tls = transport.get_extra_info("ssl_object")
        self._peer = (tls.getpeercert() or {}).get("subject") if tls is not None else None
        self._start_idling()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_idling()
        self._parser = None  # each holds the other
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._stop_idling()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY:
            self._transport.abort()

    def on_message_complete(self) -> None:
        url = urlsplit(self._url.decode("latin-1"))
        query = parse_qs(url.query, keep_blank_values=True)
        method = self._parser.get_method().decode()
        request = Request(method, unquote(url.path), query, self._headers, self._body, self._peer)
        keep_alive = self._parser.should_keep_alive()
        self._reset()
        self._transport.pause_reading()  # the next request waits until this one is answered
        self._task = asyncio.get_running_loop().create_task(self._answer(request, keep_alive))

    async def _answer(self, request: Request, keep_alive: bool) -> None:
        response = await self._respond(request)
        self._task = None
        body = b"" if request.method == "HEAD" else response.body
        self._transport.write(_head(response, keep_alive) + body)
        if not keep_alive:
            self._transport.close()
            return
        self._start_idling()
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._transport.resume_reading()

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except Exception:  # the client waits for an answer, whatever happened
            log.exception("Request failed: method=%s path=%s", request.method, request.path)
            return Response(b"Internal Server Error\n", 500)

    def _start_idling(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._transport.close)

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def _head(response: Response, keep_alive: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"content-type: {response.content_type}",
        f"content-length: {len(response.body)}",
        "x-content-type-options: nosniff",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        *([] if keep_alive else ["connection: close"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
