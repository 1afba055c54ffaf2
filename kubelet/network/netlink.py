"""The connection to the kernel's network that `links` and `peers` share, and its errors as ours."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyroute2 import IPRoute


class LinkError(Exception):
    """The kernel refused; the message says what and why."""


@contextmanager
def netlink() -> Iterator[IPRoute]:
    # Imported late: hollow nodes never need it, and it takes nine megabytes.
    from pyroute2 import IPRoute, NetlinkError

    try:
        with IPRoute() as ip:
            yield ip
    except (NetlinkError, OSError) as error:
        raise LinkError(str(error)) from error


def default_mtu(ip: IPRoute) -> int:
    """Of the way out of this machine; 0 if it has none."""
    for route in ip.get_default_routes(family=socket.AF_INET):
        if index := route.get_attr("RTA_OIF"):
            return int(dict(ip.link("get", index=index)[0]["attrs"])["IFLA_MTU"])
    return 0


def index_of(ip: IPRoute, name: str) -> int:
    found = ip.link_lookup(ifname=name)
    if not found:
        raise LinkError(f"there is no interface {name}")
    return int(found[0])


def ignoring(number: int, action: Callable[[], object]) -> None:
    from pyroute2 import NetlinkError

    try:
        action()
    except NetlinkError as error:
        if error.code != number:
            raise
