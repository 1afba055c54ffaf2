"""Ports that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """One of 127.0.0.1, that for a minute nobody gets who doesn't ask for it by number.

    What had a connection rests in TIME_WAIT when that is closed. The kernel passes such a port by when it
    chooses one, for a listener or a client; a server that sets SO_REUSEADDR, as etcd and asyncio do, may have
    it at once.
    """
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        server.accept()[0].close()  # first: who closes first is the one that rests
        port: int = server.getsockname()[1]
        return port
