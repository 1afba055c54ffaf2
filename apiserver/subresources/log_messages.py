"""pods/log over a WebSocket: the log in messages, bytes or base64, for clients that ask for an upgrade.

Source: apimachinery/pkg/util/httpstream/wsstream/stream.go of Kubernetes 1.34.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Sequence

from websockets.datastructures import Headers
from websockets.http11 import Request

from apimachinery.errors import BadRequestError, StatusError
from apiserver.asgi import Scope
from component_base.first_of import first_of
from component_base.tunnel import UPGRADE, Tunnel
from component_base.websocket import HandshakeRefused, WebSocket, accept, subprotocols

log = logging.getLogger(__name__)

BASE64 = "base64.binary.k8s.io"
PROTOCOLS = ("", "binary.k8s.io", BASE64)
"""A client that names none gets bytes."""


async def send_messages(pieces: AsyncIterator[bytes], scope: Scope) -> None:
    """Until the log has ended or the client has gone; the first message is empty. Raises StatusError."""
    tunnel: Tunnel = scope["extensions"][UPGRADE]
    socket = _accept(tunnel, scope)
    try:
        await first_of(_send(pieces, socket), _until_closed(socket))
    except ConnectionError as error:
        log.info("Client went away: path=%s error=%s", scope["path"], error)
    finally:
        tunnel.close()


def choose_protocol(offered: Sequence[str]) -> str:
    """The client's first choice of those spoken here. Raises StatusError."""
    chosen = next((each for each in offered or [""] if each in PROTOCOLS), None)
    if chosen is None:
        text = f"requested protocol(s) are not supported: [{' '.join(offered)}]; supports {PROTOCOLS[1:]}"
        raise StatusError(text, code=403, reason="Forbidden")
    return chosen


def _accept(tunnel: Tunnel, scope: Scope) -> WebSocket:
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    request = Request(scope["path"], headers, method=scope["method"])
    try:
        socket, answer = accept(tunnel, request, choose_protocol(subprotocols(headers)))
    except HandshakeRefused as refusal:
        raise BadRequestError(str(refusal)) from None
    tunnel.switch(answer)
    return socket


async def _send(pieces: AsyncIterator[bytes], socket: WebSocket) -> None:
    is_text = socket.subprotocol == BASE64
    socket.send(b"", is_text=is_text)
    async for piece in pieces:
        socket.send(base64.b64encode(piece) if is_text else piece, is_text=is_text)
        await socket.drain()
    socket.close()


async def _until_closed(socket: WebSocket) -> None:
    while await socket.receive() is not None:
        """What a client says to a log is not for anybody."""
