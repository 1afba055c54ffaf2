"""From an HTTP request to what it asks to switch to: a SPDY connection, or a WebSocket.

Source: apimachinery/pkg/util/httpstream (Handshake, spdy/upgrade.go, wsstream/conn.go) of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from websockets.datastructures import Headers
from websockets.http11 import Request as Handshake

from component_base import websocket
from component_base.byte_stream import ByteStream
from component_base.first_of import first_of
from component_base.spdy.connection import Connection
from component_base.spdy.errors import SpdyError
from component_base.tunnel import UPGRADE, Tunnel
from kubelet.server.refused import Refused

log = logging.getLogger(__name__)

SPDY = "SPDY/3.1"
TUNNELLED = f"{SPDY}+"
"""What stands before a protocol's name when SPDY goes through a WebSocket."""
_VERSION, _ACCEPTED = "x-stream-protocol-version", "x-accepted-stream-protocol-versions"


async def serve_upgrade(
    serve: Callable[[Request], Coroutine[Any, Any, None]],
    idle_seconds: float, scope: Scope, receive: Receive, send: Send,
) -> None:  # fmt: skip
    """Serves a request that asks to switch protocols, until its connection has been idle for too long."""
    request = Request(scope, receive)
    tunnel: Tunnel | None = scope["extensions"].get(UPGRADE)
    try:
        if tunnel is None:
            await serve(request)
        else:
            await first_of(serve(request), until_idle(tunnel, idle_seconds))
    except Refused as refused:
        await refused.response()(scope, receive, send)
    except ConnectionError as error:
        log.info("Client went away: path=%s error=%s", scope["path"], error)
    finally:
        if tunnel is not None and tunnel.has_switched:
            tunnel.close()


async def until_idle(tunnel: Tunnel, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    while (left := tunnel.last_used + seconds - loop.time()) > 0:  # noqa: ASYNC110 - nothing tells of nothing
        await asyncio.sleep(left)


def is_websocket(request: Request) -> bool:
    return request.headers.get("upgrade", "").lower() == "websocket"


def offered_websocket(request: Request) -> list[str]:
    """The subprotocols that the client speaks, the best first."""
    return _words(request, "sec-websocket-protocol")


def _words(request: Request, header: str) -> list[str]:
    lines = request.headers.getlist(header)
    return [word for line in lines for each in line.split(",") if (word := each.strip())]


def negotiate(offers: Sequence[str], accepted: Sequence[str]) -> str:
    """The client's first choice of those that SPDY may carry here. Raises Refused."""
    if not offers:
        raise Refused(400, "unable to upgrade: X-Stream-Protocol-Version is required")
    chosen = next((each for each in offers if each in accepted), "")
    if not chosen:
        text = f"client supports [{' '.join(offers)}], server accepts [{' '.join(accepted)}]"
        headers = [(_ACCEPTED, each) for each in accepted]
        raise Refused(403, f"unable to upgrade: unable to negotiate protocol: {text}", headers)
    return chosen


def negotiate_websocket(offers: Sequence[str], accepted: Sequence[str]) -> str:
    """A client that names no protocol speaks the oldest, which has no name. Raises Refused."""
    chosen = next((each for each in offers or [""] if each in accepted), None)
    if chosen is None:
        shown = f"[{' '.join(offers)}]; supports [{' '.join(accepted)}]"
        raise Refused(403, f"requested protocol(s) are not supported: {shown}")
    return chosen


@asynccontextmanager
async def spdy_connection(
    request: Request, protocols: Sequence[str]
) -> AsyncIterator[tuple[Connection, str]]:
    """A running connection and the protocol it carries. Raises Refused."""
    tunnel = _tunnel(request)
    if SPDY.lower() not in request.headers.get("upgrade", "").lower():
        raise Refused(400, f"unable to upgrade: missing upgrade headers in request: {dict(request.headers)}")
    protocol = negotiate(_words(request, _VERSION), protocols)
    tunnel.switch([("Connection", "Upgrade"), ("Upgrade", SPDY), (_VERSION, protocol)])
    async with running(tunnel) as connection:
        yield connection, protocol


@asynccontextmanager
async def running(wire: ByteStream) -> AsyncIterator[Connection]:
    """A SPDY connection that is read until it is left."""
    connection = Connection(wire, is_client=False)
    task = asyncio.create_task(connection.run())
    try:
        yield connection
    finally:
        connection.close()
        task.cancel()
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(outcome, SpdyError):
            log.info("Client left the protocol: error=%s", outcome)


def accept_websocket(request: Request, protocols: Sequence[str]) -> websocket.WebSocket:
    """Raises Refused."""
    tunnel = _tunnel(request)
    chosen = negotiate_websocket(offered_websocket(request), protocols)
    scope = request.scope
    asked = Handshake(scope["path"], Headers(request.headers.items()), method=scope["method"])
    try:
        socket, headers = websocket.accept(tunnel, asked, chosen)
    except websocket.HandshakeRefused as refusal:
        raise Refused(refusal.status, str(refusal)) from None
    tunnel.switch(headers)
    return socket


def _tunnel(request: Request) -> Tunnel:
    tunnel: Tunnel | None = request.scope["extensions"].get(UPGRADE)
    if tunnel is None:
        raise Refused(400, "Upgrade request required")
    return tunnel
