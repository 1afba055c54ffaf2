"""Ports that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Free a moment ago: whoever is to have it takes it at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
