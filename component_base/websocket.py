"""WebSockets over a ByteStream: messages both ways, with the protocol of the `websockets` library inside."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from component_base.byte_stream import ByteStream

SWITCHING_PROTOCOLS = 101
_MAX_MESSAGE = 1 << 25


class HandshakeRefused(Exception):
    """The server's answer, or ours, instead of the handshake."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(body.decode(errors="replace"))
        self.status = status
        self.body = body


class WebSocket:
    """After the handshake. Pings are answered by whoever receives."""

    def __init__(self, wire: ByteStream, protocol: Protocol) -> None:
        self._wire = wire
        self._protocol = protocol
        self._answer: Response | None = None
        self._fragments: list[bytes] = []
        self._messages: deque[bytes] = deque()

    @property
    def subprotocol(self) -> str:
        return self._protocol.subprotocol or ""

    async def receive(self) -> bytes | None:
        """The next message, whole; None once the other side has closed or gone."""
        while not self._messages:
            if self._protocol.state is State.CLOSED:
                return None
            await self._read()
        return self._messages.popleft()

    def send(self, message: bytes, *, is_text: bool = False) -> None:
        """Lost in silence after the end, as with a ByteStream."""
        if self._protocol.state is State.OPEN:
            (self._protocol.send_text if is_text else self._protocol.send_binary)(message)
            self._flush()

    async def drain(self) -> None:
        await self._wire.drain()

    def close(self) -> None:
        """Begins to close; `receive` gives None when the other side has agreed."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()

    def abort(self) -> None:
        """Hangs up."""
        self._wire.close()

    async def answer(self) -> Response:
        """For a client: what the server says to its request. Raises ConnectionError."""
        self._flush()
        while self._answer is None:
            if self._protocol.state is State.CLOSED or self._protocol.handshake_exc is not None:
                raise ConnectionError(str(self._protocol.handshake_exc or "the server has gone"))
            await self._read()
        return self._answer

    async def _read(self) -> None:
        if data := await self._wire.read():
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._on_frame(event)
            elif isinstance(event, Response):
                self._answer = event
        self._flush()

    def _on_frame(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            self._messages.append(b"".join(self._fragments))
            self._fragments.clear()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._wire.write(data)
            else:
                self._wire.close()


class WebSocketTunnel:
    """A ByteStream whose pieces are binary messages: SPDY for those who may only speak WebSocket."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while (message := await self._socket.receive()) is not None:
            if message:
                return message
        return b""

    def write(self, data: bytes) -> None:
        self._socket.send(data)

    async def drain(self) -> None:
        await self._socket.drain()

    def close(self) -> None:
        self._socket.close()


class _Server(ServerProtocol):
    """Takes names of subprotocols that are no tokens: Kubernetes has `SPDY/3.1+portforward.k8s.io`."""

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        return self.select_subprotocol(subprotocols(headers))


class _Client(ClientProtocol):
    """The same."""

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        chosen = next(iter(subprotocols(headers)), None)
        if chosen is not None and chosen not in (self.available_subprotocols or ()):
            raise NegotiationError(f"unsupported subprotocol: {chosen}")
        return chosen


def subprotocols(headers: Headers) -> list[Subprotocol]:
    """What the other side offers, the best first."""
    lines = headers.get_all("Sec-WebSocket-Protocol")
    return [Subprotocol(word) for line in lines for each in line.split(",") if (word := each.strip())]


def accept(wire: ByteStream, request: Request, subprotocol: str) -> tuple[WebSocket, list[tuple[str, str]]]:
    """A server's end, and the headers of the answer 101 still to be given. Raises HandshakeRefused."""
    chosen = Subprotocol(subprotocol) if subprotocol else None
    answer = _Server(select_subprotocol=lambda _, offered: chosen).accept(request)
    if answer.status_code != SWITCHING_PROTOCOLS:
        raise HandshakeRefused(answer.status_code, bytes(answer.body))
    protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=_MAX_MESSAGE)
    protocol.subprotocol = chosen
    return WebSocket(wire, protocol), list(answer.headers.raw_items())


async def connect(
    wire: ByteStream, url: str, headers: Iterable[tuple[str, str]], subprotocols: Sequence[str]
) -> WebSocket:
    """A client's end of a connection just made. Raises HandshakeRefused, ConnectionError."""
    offered = [Subprotocol(each) for each in subprotocols]
    protocol = _Client(parse_uri(url), subprotocols=offered, max_size=None)
    request = protocol.connect()
    for name, value in headers:
        request.headers[name] = value
    protocol.send_request(request)
    socket = WebSocket(wire, protocol)
    answer = await socket.answer()
    if answer.status_code != SWITCHING_PROTOCOLS:
        raise HandshakeRefused(answer.status_code, bytes(answer.body))
    if protocol.handshake_exc is not None:
        raise ConnectionError(str(protocol.handshake_exc))
    return socket
