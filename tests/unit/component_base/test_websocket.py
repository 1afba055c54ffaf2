"""The handshake of WebSockets, where Kubernetes departs from the standard."""

from websockets.datastructures import Headers
from websockets.http11 import Request

from component_base.byte_stream import ByteStream
from component_base.websocket import accept, connect

TUNNEL = "SPDY/3.1+portforward.k8s.io"


class Loop(ByteStream):
    """A server behind a wire: answers the handshake with the subprotocol that is asked for."""

    def __init__(self) -> None:
        self._answer = b""

    async def read(self) -> bytes:
        return self._answer

    def write(self, data: bytes) -> None:
        lines = data.decode().split("\r\n")[1:-2]
        request = Request("/", Headers([tuple(line.split(": ", 1)) for line in lines]))
        _, headers = accept(self, request, TUNNEL)
        head = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in headers)]
        self._answer = "\r\n".join([*head, "", ""]).encode()

    async def drain(self) -> None:
        """Never full."""

    def close(self) -> None:
        """Nothing to hang up."""


async def test_names_of_subprotocols_need_not_be_tokens() -> None:
    """A slash is none; without this, port-forward falls back to SPDY."""
    socket = await connect(Loop(), "ws://x/", [("authorization", "Bearer t")], [TUNNEL])
    assert socket.subprotocol == TUNNEL
