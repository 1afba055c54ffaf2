"""Requests to Docker, without a thread each: HTTP by hand on its socket, for answers at once and for streams
that may last for days.

Knows just what Docker's API needs: one request a connection, bodies by length, in chunks or until the
end, and the upgrade to a raw byte stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import orjson

from kubelet.runtime.docker.chunks import ChunkedBody
from kubelet.runtime.docker.errors import api_error, unavailable

_HEAD_LIMIT = 1 << 20
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    """With the query, without the API's version, which Docker then takes to be its newest."""
    body: Any = None
    headers: Mapping[str, str] | None = None
    upgrade: bool = False


def path_of(path: str, **query: Any) -> str:
    """None is left out; booleans as Docker reads them; mappings as JSON."""
    fields = {key: _field(value) for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(fields)}" if fields else path


def _field(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return orjson.dumps(value).decode() if isinstance(value, Mapping) else str(value)


class Connection:
    """One request and its answer. Raises RuntimeUnavailable, or what `api_error` makes of a refusal."""

    def __init__(self, endpoint: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._endpoint = endpoint
        self.reader = reader
        self.writer = writer
        self.headers: dict[str, str] = {}
        self.status = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.writer.close()

    async def read_head(self) -> None:
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            raise unavailable(self._endpoint) from error
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ", 2)[1])
        pairs = (line.partition(":") for line in lines[1:] if line)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if self.status >= 400:
            raise api_error(self.status, _message(await self.read_all()))

    async def read_all(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, chunks that came together in one. Breaking off is RuntimeUnavailable."""
        try:
            if self.headers.get("transfer-encoding") == "chunked":
                body = ChunkedBody()
                while not body.is_whole:
                    if data := body.feed(await self._read_some()):
                        yield data
            elif (length := self.headers.get("content-length")) is not None:
                if int(length):
                    yield await self.reader.readexactly(int(length))
            elif self.status not in (101, 204, 304):
                while piece := await self.reader.read(_PIECE):
                    yield piece
        except (OSError, asyncio.IncompleteReadError) as error:
            raise unavailable(self._endpoint) from error

    async def _read_some(self) -> bytes:
        """Raises IncompleteReadError at the end."""
        if piece := await self.reader.read(_PIECE):
            return piece
        raise asyncio.IncompleteReadError(b"", None)

    async def lines(self) -> AsyncIterator[bytes]:
        """Of a stream of JSON objects, one a line."""
        rest = b""
        async for piece in self.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip():
                    yield line


class Connector:
    """Opens connections to `unix:///path` or `tcp://host:port`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    async def open(self, request: Request) -> Connection:
        """Sent, and the answer's head read."""
        connection = await self._connect()
        try:
            connection.writer.write(_render(request))
            await connection.writer.drain()
            await connection.read_head()
        except OSError as error:
            connection.close()
            raise unavailable(self._endpoint) from error
        except BaseException:
            connection.close()
            raise
        return connection

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A whole request: the answer's JSON, or None if it has no body."""
        async with await self.open(Request(method, path, body)) as connection:
            data = await connection.read_all()
        return orjson.loads(data) if data else None

    async def _connect(self) -> Connection:
        parts = urlsplit(self._endpoint)
        try:
            if parts.scheme == "unix":
                streams = await asyncio.open_unix_connection(parts.path, limit=_HEAD_LIMIT)
            else:
                streams = await asyncio.open_connection(parts.hostname, parts.port, limit=_HEAD_LIMIT)
        except OSError as error:
            raise unavailable(self._endpoint) from error
        return Connection(self._endpoint, *streams)


def _render(request: Request) -> bytes:
    body = b"" if request.body is None else orjson.dumps(request.body)
    headers = {
        "Host": "docker",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **({"Upgrade": "tcp", "Connection": "Upgrade"} if request.upgrade else {"Connection": "close"}),
        **(request.headers or {}),
    }
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        *(f"{key}: {value}" for key, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body.decode(errors="replace").strip()
