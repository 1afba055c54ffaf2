"""Runs the endpoints with uvicorn, over TLS as a rule."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from component_base.listening import listening
from kubelet.server.protocol import PeerProtocol

_BACKLOG = 2048
_IDLE_SECONDS = 90
"""Longer than a client keeps a connection that it does not use: hanging up first could meet its request."""


class _Server(uvicorn.Server):
    """Leaves the signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: ASGIApp, address: str, port: int, context: ssl.SSLContext | None = None) -> None:
    """Until cancelled; without a context, without TLS. Raises ListenError."""
    place = _bind(address, port)
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = context
    server = _Server(config)
    try:
        await server.serve([place])
    except asyncio.CancelledError:
        server.should_exit = True
        raise


def _bind(address: str, port: int) -> socket.socket:
    """uvicorn would end the process itself for a port that is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with listening(address, port):
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
