"""A request as it is passed on, and its answer as it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from component_base.first_of import first_of

if TYPE_CHECKING:
    import httpx
    from starlette.types import Receive, Scope, Send

    from component_base.tunnel import Tunnel

log = logging.getLogger(__name__)

Headers = list[tuple[str, str]]

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
_OURS = ("authorization", "impersonate-")
"""What says who the client is to us; nobody behind us is to know."""
_FORWARDED_FOR = "x-forwarded-for"
_CHUNK = 1 << 16


def forwarded_headers(scope: Scope) -> Headers:
    """The client's headers, all of them, but for those that concern only its own connection to us."""
    headers = [
        pair for pair in _headers(scope) if pair[0] not in _HOP_BY_HOP and not pair[0].startswith(_OURS)
    ]
    client = scope.get("client")
    if not client:
        return headers
    before = [value for name, value in headers if name == _FORWARDED_FOR]
    kept = [pair for pair in headers if pair[0] != _FORWARDED_FOR]
    return [*kept, (_FORWARDED_FOR, ", ".join([*before, str(client[0])]))]


def upgrade_headers(scope: Scope) -> Headers:
    return [pair for pair in _headers(scope) if pair[0] in ("connection", "upgrade")]


def _headers(scope: Scope) -> Headers:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


class Client:
    """Who sent a request that is under way: the rest of its body, and whether anybody waits for an answer."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = dict(scope["headers"])
        self.has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        self._receive = receive
        self._has_sent_all = asyncio.Event()
        if not self.has_body:
            self._has_sent_all.set()

    async def body(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                self._has_sent_all.set()
            if message.get("body"):
                yield message["body"]
            if self._has_sent_all.is_set():
                return

    async def until_gone(self) -> None:
        await self._has_sent_all.wait()
        while (await self._receive())["type"] != "http.disconnect":
            """It has nothing more to say."""


def answer_headers(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Without those that concern only the back end's connection to us."""
    pairs = [(name.lower(), value) for name, value in answer.headers.raw]
    return [(name, value) for name, value in pairs if name.decode() not in _HOP_BY_HOP]


async def stream_body(chunks: AsyncIterator[bytes], send: Send) -> None:
    """What breaks off stays without its end, so that the server hangs up and the client sees it, too."""
    import httpx

    try:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except httpx.TransportError as error:
        log.info("Answer broke off: error=%s", error or type(error).__name__)
        return
    await send({"type": "http.response.body", "body": b""})


async def both_ways(tunnel: Tunnel, stream: Any) -> None:
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
