"""Announcer: keeps the addresses that this machine answers for, and tells the neighbours of new ones.

They are put on the loopback interface, with a label that says whose they are: the kernel answers ARP for any
address of the machine on every interface, and goes on while kube-proxy restarts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from kube_proxy.addresses import ANNOUNCED, Link, announced_addresses, link_towards, list_links
from kube_proxy.arp import tell_neighbours
from kube_proxy.program import run
from kube_proxy.writer import RulesetError

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
# A message may be lost, and nobody acknowledges it.
TIMES, PAUSE = 3, 1.0


class Announcer:
    """Does nothing until it is told what to announce, and `run`."""

    def __init__(self, retry_seconds: float = RETRY_SECONDS) -> None:
        self._retry_seconds = retry_seconds
        self._node_ips: Collection[str] = ()
        self._wanted: frozenset[str] | None = None
        self._changed = asyncio.Event()

    @property
    def wanted(self) -> frozenset[str] | None:
        """None until it has been told."""
        return self._wanted

    def announce(self, ips: frozenset[str], node_ips: Collection[str]) -> None:
        """These, and no others any more. Those on no network here are told of where the node's own are."""
        self._node_ips = node_ips
        if ips != self._wanted:
            self._wanted = ips
            self._changed.set()

    def look_again(self) -> None:
        """Somebody may have changed addresses."""
        if self._wanted is not None:
            self._changed.set()

    async def run(self) -> None:
        """Never ends."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                try:
                    await self._sync(group)
                except RulesetError as error:
                    log.warning("Addresses were not announced, will retry: err=%s", error)
                    asyncio.get_running_loop().call_later(self._retry_seconds, self._changed.set)

    async def _sync(self, group: asyncio.TaskGroup) -> None:
        wanted, found = self._wanted or frozenset(), announced_addresses(await list_links())
        for ip in sorted(found - wanted):
            await withdraw(ip)
        for ip in sorted(wanted - found):
            await run("ip", "address", "add", f"{ip}/32", "dev", "lo", "label", ANNOUNCED)
            log.info("Took an address over: ip=%s", ip)
            group.create_task(self._tell(ip))

    async def _tell(self, ip: str) -> None:
        for _ in range(TIMES):
            if ip not in (self._wanted or ()):
                return
            try:
                self._tell_once(ip, await list_links())
            except (OSError, RulesetError) as error:
                log.warning("Neighbours were not told of an address: ip=%s err=%s", ip, error)
            await asyncio.sleep(PAUSE)

    def _tell_once(self, ip: str, links: list[Link]) -> None:
        link = link_towards(ip, self._node_ips, links)
        if link is not None:
            tell_neighbours(ip, link)


async def withdraw(ip: str) -> None:
    await run("ip", "address", "delete", f"{ip}/32", "dev", "lo")
    log.info("Gave an address up: ip=%s", ip)


async def withdraw_all() -> RulesetError | None:
    """Whatever was announced. Returns what went wrong."""
    try:
        for ip in sorted(announced_addresses(await list_links())):
            await withdraw(ip)
    except RulesetError as error:
        return error
    return None
