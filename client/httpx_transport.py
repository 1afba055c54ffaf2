"""httpx over the connections of `transport`: httpx's interface without httpcore's cost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from client.errors import ConnectionFailed
from client.transport import Stream, Transport


class HttpxTransport(httpx.AsyncBaseTransport):
    """Sends the requests of an httpx.AsyncClient to the one server of a Transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        head = b"".join(b"%b: %b\r\n" % pair for pair in request.headers.raw)
        line = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
        timeout = (request.extensions.get("timeout") or {}).get("read")
        try:
            stream = await self._transport.open(
                request.method.encode(), b"%b%b\r\n%b" % (line, head, body), seconds=timeout
            )
        except ConnectionFailed as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return httpx.Response(stream.status, headers=stream.headers, stream=_Body(stream))

    async def aclose(self) -> None:
        """Nothing: the Transport belongs to the Client."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except ConnectionFailed as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()
