"""The addresses of this machine's interfaces, as iproute2 lists them, and word of changes from the kernel."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import orjson

_IPV4_ADDRESSES, _IPV6_ADDRESSES = 0x10, 0x100
_BUFFER = 1 << 16


async def local_addresses() -> tuple[str, ...]:
    """All of them; none if they can't be listed, which only --nodeport-addresses with CIDRs would miss."""
    try:
        process = await asyncio.create_subprocess_exec(
            "ip", "-j", "address", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ()
    output, _ = await process.communicate()
    links = orjson.loads(output or b"[]")
    return tuple(each["local"] for link in links for each in link.get("addr_info", ()) if "local" in each)


async def watch_addresses(changed: Callable[[tuple[str, ...]], None]) -> None:
    """Calls `changed` with all of them, at once and after each change; never ends."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, _IPV4_ADDRESSES | _IPV6_ADDRESSES))
        while True:
            changed(await local_addresses())
            with suppress(OSError):  # too much happened at once to be told
                await loop.sock_recv(sock, _BUFFER)
