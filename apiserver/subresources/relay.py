"""Connections to a kubelet, pod or service: requests with their answers, and tunnels of raw bytes.

A request that asks to switch protocols (WebSocket, SPDY) becomes a tunnel: once the other side has
agreed, bytes go both ways and nobody looks at them.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from apimachinery.errors import StatusError
from apiserver.asgi import Scope, Send
from apiserver.request import RequestInfo
from component_base.dialling import explain
from component_base.forwarding import Headers, answer_headers, both_ways, forwarded_headers, upgrade_headers
from component_base.tunnel import UPGRADE, Tunnel

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 10.0


class DialError(Exception):
    """The other side cannot be reached, or does not answer; the text is what upstream's dialler would say."""


class Refused(Exception):
    """The other side answered instead of switching protocols."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        super().__init__(f"invalid upgrade response: status code {status}")
        self.status = status
        self.headers = headers
        self.body = body


class Relay:
    """Connections to one sort of back end. httpx is loaded with the first request."""

    def __init__(self, tls: ssl.SSLContext | bool, server_name: str = "") -> None:
        """`server_name` is what the other side's certificate has to carry, where that is not its address."""
        self._tls = tls
        self._extensions = {"sni_hostname": server_name} if server_name else {}
        self._made: httpx.AsyncClient | None = None

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            import httpx

            from apiserver.http_client import new_client

            self._made = new_client(self._tls, timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS))
            # What a request does not say is not to be said in its place.
            self._made.headers.clear()
        return self._made

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()

    @asynccontextmanager
    async def open(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: Any = None
    ) -> AsyncIterator[httpx.Response]:
        """The answer's head; its body is still to come. Raises DialError."""
        import httpx

        request = self._client.build_request(
            method, url, headers=list(headers), content=body, extensions=self._extensions
        )
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise DialError(explain(error, urlsplit(url).netloc)) from error
        try:
            yield answer
        finally:
            await answer.aclose()

    async def read(self, url: str, headers: Sequence[tuple[str, str]] = ()) -> httpx.Response:
        """The whole answer to a GET. Raises DialError."""
        async with self.open("GET", url, headers) as answer:
            await read_body(answer)
            return answer

    async def tunnel(self, info: RequestInfo, scope: Scope, url: str, headers: Headers) -> None:
        """Bytes both ways, until either side has gone. Raises DialError, Refused."""
        async with self.open(info.method, url, [*headers, *upgrade_headers(scope)]) as answer:
            if answer.status_code != 101:
                body = b"".join([piece async for piece in answer.aiter_raw()])
                raise Refused(answer.status_code, answer_headers(answer), body)
            info.status = 101
            tunnel: Tunnel = scope["extensions"][UPGRADE]
            tunnel.switch(answer.headers.multi_items())
            await both_ways(tunnel, answer.extensions["network_stream"])


async def read_body(answer: httpx.Response) -> bytes:
    """All of it, decompressed. Raises DialError."""
    import httpx

    try:
        return await answer.aread()
    except httpx.RequestError as error:
        raise DialError(explain(error, answer.url.netloc.decode())) from error


async def tunnel_or_answer(
    relay: Relay, info: RequestInfo, scope: Scope, send: Send, url: str, headers: Headers | None = None
) -> None:
    """A tunnel; a back end that is not there becomes an error, and what it says instead is passed on."""
    try:
        await relay.tunnel(info, scope, url, forwarded_headers(scope) if headers is None else headers)
    except DialError as error:
        raise StatusError(f"error dialing backend: {error}") from None
    except Refused as refusal:
        if refusal.status < 400:
            raise StatusError(str(refusal)) from None
        await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.headers})
        await send({"type": "http.response.body", "body": refusal.body})
