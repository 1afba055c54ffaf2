"""ClientStreams as the channels of a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from component_base.websocket import WebSocket
from kubelet.runtime.interface import ExecStream
from kubelet.server.channels import CLOSE, ERROR, PROTOCOLS, RESIZE, STDERR, STDIN, STDOUT, ChannelProtocol
from kubelet.server.remotecommand.client_streams import Wanted, resize, write
from kubelet.server.remotecommand.status import Status, encode
from kubelet.server.upgrade import accept_websocket


class WebSocketStreams:
    def __init__(self, socket: WebSocket, wanted: Wanted) -> None:
        self._socket = socket
        self._protocol = ChannelProtocol(socket.subprotocol)
        self._wanted = wanted
        if not self._protocol.can_close:
            # Upstream tells its older clients so that all is connected.
            self._send(STDOUT if wanted.stdout else STDERR if wanted.stderr else ERROR, b"")

    async def deliver(self, process: ExecStream) -> None:
        while (message := await self._socket.receive()) is not None:
            try:
                channel, data = self._protocol.decode(message)
            except ValueError:
                continue
            if channel == STDIN and self._wanted.stdin:
                await write(process, data)
            elif channel == RESIZE:
                await resize(process, data)
            elif channel == CLOSE and self._protocol.can_close and data[:1] == bytes([STDIN]):
                await process.close_stdin()

    async def until_gone(self) -> None:
        while await self._socket.receive() is not None:
            """Whatever it still has to say comes too late."""

    async def send(self, stream: int, data: bytes) -> None:
        self._send(stream, data)
        await self._socket.drain()

    def finish(self, status: Status) -> None:
        self._send(ERROR, encode(status, as_status=self._protocol.has_status))
        self._socket.close()

    def _send(self, channel: int, data: bytes) -> None:
        self._socket.send(self._protocol.encode(channel, data), is_text=self._protocol.is_text)


@asynccontextmanager
async def websocket_streams(request: Request, wanted: Wanted) -> AsyncIterator[WebSocketStreams]:
    """Raises Refused."""
    socket = accept_websocket(request, PROTOCOLS)
    try:
        yield WebSocketStreams(socket, wanted)
    finally:
        socket.abort()
