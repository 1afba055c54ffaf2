"""Passes a request on to a kubelet, pod or service, and its answer back: streamed, or as a raw tunnel.

A request that asks to switch protocols (WebSocket, SPDY) becomes a tunnel: once the other side has
agreed, bytes go both ways and nobody looks at them.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from apiserver.asgi import Receive, Scope, Send
from apiserver.request import RequestInfo
from component_base.tunnel import UPGRADE, Tunnel

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 10.0
_CHUNK = 1 << 16
_FORWARDED_FOR = "x-forwarded-for"
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "host", "content-length", "authorization")
)  # fmt: skip


class DialError(Exception):
    """The other side cannot be reached; the text is what upstream's dialler would say."""


class Relay:
    """Connections to one sort of back end. httpx is loaded with the first request."""

    def __init__(self, tls: ssl.SSLContext | bool) -> None:
        self._tls = tls
        self._made: httpx.AsyncClient | None = None

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            import httpx

            self._made = httpx.AsyncClient(
                verify=self._tls,
                trust_env=False,
                timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            )
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

        try:
            async with self._client.stream(method, url, headers=list(headers), content=body) as answer:
                yield answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DialError(f"dial tcp {urlsplit(url).netloc}: {_reason(error)}") from error

    async def forward(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send, url: str) -> None:
        """The request as it is, to `url`."""
        tunnel = scope["extensions"].get(UPGRADE)
        if tunnel is not None:
            return await self._tunnel(info, scope, tunnel, url)
        body = None if info.method in ("GET", "HEAD") else _body(receive)
        async with self.open(info.method, url, forwarded_headers(scope), body) as answer:
            await pass_on(answer, send, receive if body is None else None)

    async def _tunnel(self, info: RequestInfo, scope: Scope, tunnel: Tunnel, url: str) -> None:
        headers = [*forwarded_headers(scope), *_upgrade_headers(scope)]
        async with self.open(info.method, url, headers) as answer:
            if answer.status_code != 101:
                await answer.aread()
                raise Refused(answer.status_code, answer.text, answer.headers.get("content-type", ""))
            info.status = 101
            tunnel.switch(answer.headers.multi_items())
            await _both_ways(tunnel, answer.extensions["network_stream"])


class Refused(Exception):
    """The other side answered instead of switching protocols."""

    def __init__(self, status: int, text: str, content_type: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.content_type = content_type


def _reason(error: Exception) -> str:
    text = str(error)
    return (
        "connect: connection refused"
        if "attempts failed" in text or "refused" in text
        else text or "i/o timeout"
    )


async def _both_ways(tunnel: Tunnel, stream: Any) -> None:
    """Until either side has gone."""
    import httpcore

    async def upwards() -> None:
        """What the back end does not take any more is dropped: it may still have something to say."""
        while data := await tunnel.read():
            with contextlib.suppress(httpcore.NetworkError, OSError):
                await stream.write(data)

    async def downwards() -> None:
        with contextlib.suppress(httpcore.NetworkError, OSError):
            while data := await stream.read(_CHUNK):
                tunnel.write(data)
                await tunnel.drain()

    try:
        await first_of(upwards(), downwards())
    finally:
        tunnel.close()


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all until one ends, then cancels the others. What failed first is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


def forwarded_headers(scope: Scope) -> list[tuple[str, str]]:
    """The client's headers, all of them, but for those that concern only its own connection to us."""
    headers = [pair for pair in _headers(scope) if pair[0] not in _HOP_BY_HOP]
    client = scope.get("client")
    if not client:
        return headers
    before = [value for name, value in headers if name == _FORWARDED_FOR]
    kept = [pair for pair in headers if pair[0] != _FORWARDED_FOR]
    return [*kept, (_FORWARDED_FOR, ", ".join([*before, str(client[0])]))]


def _upgrade_headers(scope: Scope) -> list[tuple[str, str]]:
    return [pair for pair in _headers(scope) if pair[0] in ("connection", "upgrade")]


def _headers(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


async def pass_on(answer: httpx.Response, send: Send, receive: Receive | None = None) -> None:
    """Head and body of an answer, as they come. `receive` tells when nobody wants it any more."""
    kept = ("transfer-encoding", "connection", "keep-alive")
    headers = [
        (name.lower(), value) for name, value in answer.headers.raw if name.decode().lower() not in kept
    ]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await stream_body(answer.aiter_raw(), send, receive)


async def stream_body(chunks: AsyncIterator[bytes], send: Send, receive: Receive | None) -> None:
    async def copy() -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    if receive is None:
        await copy()
    else:
        await first_of(copy(), disconnected(receive))


async def disconnected(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
