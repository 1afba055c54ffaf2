"""Notices when somebody takes our table away (`nft flush ruleset`, another kube-proxy): the kernel tells.

Only the table's deletion is noticed: single rules that others change are put right by the hourly full sync.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Iterator

from kube_proxy.nftables import names

log = logging.getLogger(__name__)

_NETLINK_NETFILTER, _SOL_NETLINK = 12, 270
_ADD_MEMBERSHIP, _GROUP_NFTABLES = 1, 7
_DELETE_TABLE = 10 << 8 | 2
_TABLE_NAME = 1
_IPV4 = 2
_BUFFER = 1 << 16


async def watch_table(gone: Callable[[], None]) -> None:
    """Calls `gone` each time the table was, or may have been, deleted; never ends."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        sock.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES)
        while True:
            try:
                data = await loop.sock_recv(sock, _BUFFER)
            except OSError as error:  # too much happened at once to be told
                log.info("Missed changes of nftables: reason=%s", error)
                gone()
                continue
            if any(table == names.TABLE for table in deleted_tables(data)):
                log.warning("The rules were taken away, writing them anew: table=%s", names.TABLE)
                gone()


def deleted_tables(data: bytes) -> Iterator[str]:
    """The names of the IPv4 tables whose deletion these netlink messages report."""
    while len(data) >= 20:
        length, type = struct.unpack_from("=IH", data)
        if type == _DELETE_TABLE and data[16] == _IPV4:
            yield from _names(data[20:length])
        data = data[(length + 3) & ~3 :]


def _names(attributes: bytes) -> Iterator[str]:
    while len(attributes) >= 4:
        length, type = struct.unpack_from("=HH", attributes)
        if type & 0x3FFF == _TABLE_NAME:
            yield attributes[4:length].rstrip(b"\0").decode()
        attributes = attributes[(length + 3) & ~3 :]
