"""The HTTP server: uvicorn's protocol with what Kubernetes needs besides, on our own listening socket.

Two things are added to uvicorn's httptools protocol: the user of a TLS client certificate, found once a
connection, and tunnels for requests that ask to switch protocols (component_base/tunnel.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Sequence
from pathlib import Path

from uvicorn import Config
from uvicorn.server import ServerState

from apiserver.asgi import BODY_STREAM, App
from apiserver.auth.authenticator import CLIENT
from apiserver.auth.x509 import ClientCertificates
from apiserver.handshakes import ServerEnd
from component_base.certificates import bare_serving_context, trust
from component_base.listening import listening
from component_base.tunnel import TunnelProtocol

log = logging.getLogger(__name__)

_IDLE_SECONDS = 90
_MAX_HEAD = 1 << 20
"""Bytes of a request's head, as Go's server has it."""
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\n\r\n431 Request Header Fields Too Large"
)


class ChunkStream:
    """The BodyStream of a connection whose answer is chunked: every answer without a length is."""

    def __init__(self, protocol: ServerProtocol) -> None:
        self._protocol: ServerProtocol | None = protocol

    @property
    def is_ready(self) -> bool:
        return self._protocol is not None and not self._protocol.flow.write_paused

    def write(self, piece: bytes) -> None:
        """Nothing is written to a connection that is lost."""
        if self._protocol is not None:
            self._protocol.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self) -> None:
        """The connection is lost."""
        self._protocol = None


class HeadHolder:
    """Keeps an answer's head back until its body comes in the same turn of the loop: one record of TLS."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._is_first = True
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._is_first:
            self._is_first, self._head = False, data
            self._loop.call_soon(self._flush)
        elif self._head:
            self._head, data = b"", self._head + data
            self._transport.write(data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            self._transport.write(self._head)
            self._head = b""


class ServerProtocol(TunnelProtocol):
    """One connection."""

    certificates: ClientCertificates
    ending: asyncio.Event
    """Set when the server takes no more requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self.extensions[CLIENT] = self.certificates.client_of(tls) if tls is not None else None
        self._stream = self.extensions[BODY_STREAM] = ChunkStream(self)
        self._is_in_head, self._head_size = True, 0
        if self.ending.is_set():  # it was shaking hands when the others were told
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stream.end()

    def data_received(self, data: bytes) -> None:
        if self._is_in_head and self._tunnel is None:
            self._head_size += len(data)
            if self._head_size > _MAX_HEAD:
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head, self._head_size = True, 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()
        self.cycle.transport = HeadHolder(self.transport, self.loop)  # type: ignore[assignment]  # all that it uses


class HttpServer:
    """Listens, and ends in good order. `certificates` says who clients with a certificate are."""

    def __init__(self, app: App, certificates: ClientCertificates | None = None) -> None:
        self._certificates = certificates or ClientCertificates()
        self._config = Config(
            app,
            http=ServerProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_SECONDS,
        )
        self._state = ServerState()
        self._ending = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(
        self, address: str, port: int, tls: ssl.SSLContext | None, *, shares_port: bool = False
    ) -> int:
        """Binds; returns the port. Raises ListenError."""
        self._config.load()
        loop = asyncio.get_running_loop()
        with listening(address, port):
            self._server = await loop.create_server(
                self._protocol, address, port, ssl=tls, backlog=2048, reuse_port=shares_port or None
            )
        bound: int = self._server.sockets[0].getsockname()[1]
        log.info("Serving %s: address=%s port=%d", "securely" if tls else "without TLS", address, bound)
        return bound

    def _protocol(self) -> ServerProtocol:
        protocol = ServerProtocol(self._config, self._state, {})
        protocol.certificates = self._certificates
        protocol.ending = self._ending
        return protocol

    def stop_listening(self) -> None:
        """Takes no more connections, and no more requests on those there are."""
        self._ending.set()
        if self._server is not None:
            self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()

    async def aclose(self, grace: float = 0.5) -> None:
        """Lets requests under way end, then hangs up on the rest (watches)."""
        if self._server is None:
            return
        self.stop_listening()
        await self._wait_for_requests(grace)
        for connection in list(self._state.connections):
            if connection.transport is not None and not connection.transport.is_closing():
                connection.transport.close()
        # A handler notices that its client has gone; one that does not is cancelled.
        await self._wait_for_requests(grace)
        for task in self._state.tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), grace)

    async def _wait_for_requests(self, seconds: float) -> None:
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=seconds)


def bare_tls_context(client_authorities: Sequence[Path]) -> ssl.SSLContext:
    """Without a pair; with authorities, clients may show a certificate that one of them has signed."""
    context = bare_serving_context()
    context.sslobject_class = ServerEnd
    # The client knows best which cipher its processor is quick at: Go's prefer AES-128 where there is AES.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    # Clients of Kubernetes do not resume sessions, and tickets that hold a client's certificate are a third
    # of what a connection costs.
    context.num_tickets = 0
    for each in client_authorities:
        trust(context, each)
    return context
