"""The machine's interfaces and their addresses, as iproute2 lists them, and the kernel's word of changes."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

import orjson

from kube_proxy.program import run
from kube_proxy.writer import RulesetError

log = logging.getLogger(__name__)

# What marks the addresses of load balancers that this machine answers for.
ANNOUNCED = "lo:kube-lb"

_IPV4_ADDRESSES, _IPV6_ADDRESSES = 0x10, 0x100
_BUFFER = 1 << 16
_HEADER, _ADDRESS = struct.Struct("=IHHII"), struct.Struct("=BxxBxxxx")
"""Of a netlink message, and of what it says of an address: its family and scope."""
_SCOPE_LINK = 253


@dataclass(frozen=True, slots=True)
class Address:
    local: str
    prefix_length: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An interface. `mac` is empty where there is none."""

    name: str
    mac: str
    addresses: tuple[Address, ...] = ()


async def list_links() -> list[Link]:
    """Raises RulesetError where they can't be listed."""
    return [_parse(each) for each in orjson.loads(await run("ip", "-j", "address") or b"[]") if each]


def _parse(link: dict[str, object]) -> Link:
    found: object = link.get("addr_info")
    addresses = [each for each in found if "local" in each] if isinstance(found, list) else []
    return Link(
        str(link["ifname"]),
        str(link["address"]) if link.get("link_type") == "ether" else "",
        tuple(Address(each["local"], each["prefixlen"], each.get("label", "")) for each in addresses),
    )


def own_addresses(links: Iterable[Link]) -> tuple[str, ...]:
    """All but those of load balancers."""
    return tuple(each.local for link in links for each in link.addresses if each.label != ANNOUNCED)


def announced_addresses(links: Iterable[Link]) -> frozenset[str]:
    return frozenset(each.local for link in links for each in link.addresses if each.label == ANNOUNCED)


def link_towards(ip: str, node_ips: Collection[str], links: Iterable[Link]) -> Link | None:
    """The interface on whose network an address is; for an address on none, the one with the node's own."""
    wired = [link for link in links if link.mac]
    for link in wired:
        if any(_is_neighbour(ip, each) for each in link.addresses):
            return link
    return next((link for link in wired if any(each.local in node_ips for each in link.addresses)), None)


def _is_neighbour(ip: str, address: Address) -> bool:
    if ":" in address.local or address.prefix_length == 32:
        return False
    return IPv4Address(ip) in IPv4Interface(f"{address.local}/{address.prefix_length}").network


def is_news(data: bytes) -> bool:
    """Whether one of the kernel's messages is of an address that traffic may come to from afar.

    Each pod's interface has one of IPv6 that is good for its own wire only.
    """
    offset = 0
    while offset + _HEADER.size + _ADDRESS.size <= len(data):
        length = _HEADER.unpack_from(data, offset)[0]
        family, scope = _ADDRESS.unpack_from(data, offset + _HEADER.size)
        if family != socket.AF_INET6 or scope < _SCOPE_LINK:
            return True
        offset += (max(length, _HEADER.size) + 3) & ~3
    return False


async def watch_links(changed: Callable[[list[Link]], None]) -> None:
    """Calls `changed` each time an address came or went; never ends."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, _IPV4_ADDRESSES | _IPV6_ADDRESSES))
        while True:
            with suppress(OSError):  # too much happened at once to be told
                if not is_news(await loop.sock_recv(sock, _BUFFER)):
                    continue
            try:
                changed(await list_links())
            except RulesetError as error:
                log.warning("Addresses can't be listed: err=%s", error)
