"""The addresses of this machine's interfaces, as iproute2 lists them."""

from __future__ import annotations

import asyncio

import orjson


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
