"""Requests that switch protocols: a WebSocket to the server, as the same user as every other request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from apimachinery.errors import from_status
from client.errors import ConnectionFailed
from client.transport import dial_error
from component_base.byte_stream import SocketStream
from component_base.websocket import HandshakeRefused, WebSocket, connect

if TYPE_CHECKING:
    from client.rest import Client


async def open_websocket(client: Client, target: str, subprotocols: Sequence[str]) -> WebSocket:
    """Of a path and query. Raises StatusError, ConnectionFailed."""
    config = client.config
    server = urlsplit(config.server)
    host, port = server.hostname or "localhost", server.port or (443 if server.scheme == "https" else 80)
    context = config.ssl_context()
    name = (config.tls_server_name or host) if context else None
    try:
        streams = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
    except OSError as error:
        raise dial_error(host, port, error) from error
    scheme = "wss" if context else "ws"
    address = f"{scheme}://{server.netloc}{server.path.rstrip('/')}{target}"
    try:
        return await connect(SocketStream(*streams), address, await client.identity(), subprotocols)
    except HandshakeRefused as refusal:
        raise _refusal(refusal) from None
    except ConnectionError as error:
        raise ConnectionFailed(str(error)) from error


def _refusal(refusal: HandshakeRefused) -> Exception:
    try:
        status = orjson.loads(refusal.body)
    except orjson.JSONDecodeError:
        status = None
    return from_status(refusal.status, status if isinstance(status, dict) else None, str(refusal))
