"""One connection: a client's data stream joined to a port of the pod."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from component_base.byte_stream import DuplexStream, join
from kubelet.runtime.interface import ContainerRuntimeError, Runtime

log = logging.getLogger(__name__)

Forward = Callable[[int, DuplexStream], Awaitable[str]]
"""Joins a stream to this port until both have ended; what the client is to be told if that fails, or ''."""


def forward_into(runtime: Runtime, sandbox_id: str) -> Forward:
    async def forward(port: int, data: DuplexStream) -> str:
        try:
            await join(data, await runtime.port_forward(sandbox_id, port))
        except ContainerRuntimeError as error:
            # The sandbox stands where upstream has its name, too: a container engine knows no pods.
            return f"error forwarding port {port} to pod {sandbox_id}, uid : {error}"
        except ConnectionError as error:
            # Either side may hang up as it likes: that ends this connection, and is no news to the client.
            log.debug("Forwarded connection was cut off: port=%d error=%s", port, error)
        return ""

    return forward


def parse_port(text: str) -> int:
    """Raises ValueError in upstream's words."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ValueError(f'unable to parse "{text}" as a port')
    if int(text) < 1:
        raise ValueError(f'port "{text}" must be > 0')
    return int(text)
