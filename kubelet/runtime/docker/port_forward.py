"""Connections into a pod, made in its network namespace: what listens on localhost only is reached, too.

A socket belongs for ever to the namespace it was made in, so that a thread goes there for just that.
Words: internal/cri/server/sandbox_portforward_linux.go of containerd.
"""

from __future__ import annotations

import asyncio
import os
import socket

from component_base.byte_stream import SocketStream
from kubelet.network.links import in_namespace
from kubelet.network.netlink import LinkError
from kubelet.runtime.interface import ContainerRuntimeError


async def connect_inside(sandbox_id: str, pid: int, port: int) -> SocketStream:
    """IPv4 first. Raises ContainerRuntimeError."""
    failures = []
    for version, family, address in ((4, socket.AF_INET, "127.0.0.1"), (6, socket.AF_INET6, "::1")):
        try:
            return await _connect(pid, family, address, port)
        except LinkError as error:
            raise ContainerRuntimeError(str(error)) from error
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            there = f"[{address}]:{port}" if version == 6 else f"{address}:{port}"
            failures.append(f"IPv{version}: dial tcp{version} {there}: connect: {reason}")
    raise ContainerRuntimeError(
        f'failed to connect to localhost:{port} inside namespace "{sandbox_id}", {" ".join(failures)}'
    )


async def _connect(pid: int, family: socket.AddressFamily, address: str, port: int) -> SocketStream:
    made = await asyncio.to_thread(_make_inside, pid, family)
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, port))
        return SocketStream(*await asyncio.open_connection(sock=made))
    except BaseException:
        made.close()
        raise


def _make_inside(pid: int, family: socket.AddressFamily) -> socket.socket:
    with in_namespace(pid):
        made = socket.socket(family)
    made.setblocking(False)
    return made
