"""Writes the ways to other nodes' pods, by netlink: routes, and the tunnel for those on other subnets.

All that the tunnel needs to know of a peer follows from the peer's address: the machine answers in it to the
hardware address that `mac_of` makes of that, and packets for it go to that address.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from kubelet.network.names import TUNNEL, address_of, mac_of
from kubelet.network.netlink import default_mtu, ignoring, index_of, netlink
from kubelet.network.routes import ROUTE_PROTOCOL, Route, RoutePlan

if TYPE_CHECKING:
    from pyroute2 import IPRoute

_VNI, _PORT = 1, 8472
_HEADROOM = 50
"""What a VXLAN packet carries beside the pod's."""
_ONLINK = 4
_PERMANENT, _SELF = 0x80, 0x02


def is_direct(address: str) -> bool:
    """Whether a machine is on a subnet of this one: nobody has to pass its packets on."""
    with netlink() as ip:
        return all(found.get_attr("RTA_GATEWAY") is None for found in ip.route("get", dst=address))


def present() -> set[Route]:
    """The routes to other nodes' pods that we have made."""
    with netlink() as ip:
        tunnel = next(iter(ip.link_lookup(ifname=TUNNEL)), 0)
        hardware = {
            each.get_attr("NDA_DST"): each.get_attr("NDA_LLADDR") or ""
            for each in (ip.get_neighbours(ifindex=tunnel, family=socket.AF_INET) if tunnel else ())
        }
        return set(_routes(ip.get_routes(family=socket.AF_INET, proto=ROUTE_PROTOCOL), tunnel, hardware))


def _routes(found: Iterable[Any], tunnel: int, hardware: dict[str, str]) -> Iterator[Route]:
    for each in found:
        network, gateway = each.get_attr("RTA_DST"), each.get_attr("RTA_GATEWAY")
        if not network or not gateway:
            continue
        destination = f"{network}/{each['dst_len']}"
        if each.get_attr("RTA_OIF") == tunnel:
            yield Route(destination, address_of(hardware.get(gateway, "")), tunnel=True)
        else:
            yield Route(destination, gateway)


def apply(plan: RoutePlan, own_address: str) -> None:
    """`own_address` is where this machine's end of the tunnel is reached."""
    with netlink() as ip:
        if any(route.tunnel for route in plan.add):
            _ensure_tunnel(ip, own_address)
        for route in plan.remove:
            ignoring(errno.ESRCH, partial(ip.route, "del", dst=route.destination, proto=ROUTE_PROTOCOL))
            if route.tunnel:
                _forget_peer(ip, route)
        for route in plan.add:
            if route.tunnel:
                _add_peer(ip, route)
            else:
                ip.route("replace", dst=route.destination, gateway=route.address, proto=ROUTE_PROTOCOL)


def remove_tunnel() -> None:
    with netlink() as ip:
        for index in ip.link_lookup(ifname=TUNNEL):
            ignoring(errno.ENODEV, partial(ip.link, "del", index=index))


def _ensure_tunnel(ip: IPRoute, own_address: str) -> None:
    """Made anew when this machine's address has changed: a VXLAN device cannot be moved."""
    for index in ip.link_lookup(ifname=TUNNEL):
        if ip.link("get", index=index)[0].get_attr("IFLA_ADDRESS") == mac_of(own_address):
            return
        ip.link("del", index=index)
    mtu = (default_mtu(ip) or 1500) - _HEADROOM
    ip.link(
        "add", ifname=TUNNEL, kind="vxlan", vxlan_id=_VNI, vxlan_port=_PORT, vxlan_local=own_address,
        vxlan_learning=False, address=mac_of(own_address), mtu=mtu,
    )  # fmt: skip
    ip.link("set", index=index_of(ip, TUNNEL), state="up")


def _add_peer(ip: IPRoute, route: Route) -> None:
    """Who has the peer's network address in the tunnel, where that hardware is, and the route there."""
    tunnel, hardware = index_of(ip, TUNNEL), mac_of(route.address)
    ip.neigh("replace", dst=route.network, lladdr=hardware, ifindex=tunnel, state=_PERMANENT)
    ip.fdb("replace", ifindex=tunnel, lladdr=hardware, dst=route.address, state=_PERMANENT, flags=_SELF)
    ip.route(
        "replace", dst=route.destination, gateway=route.network, oif=tunnel, proto=ROUTE_PROTOCOL,
        flags=_ONLINK,
    )  # fmt: skip


def _forget_peer(ip: IPRoute, route: Route) -> None:
    tunnel = index_of(ip, TUNNEL)
    ignoring(errno.ENOENT, partial(ip.neigh, "del", dst=route.network, ifindex=tunnel))
    hardware = mac_of(route.address)
    ignoring(errno.ENOENT, partial(ip.fdb, "del", ifindex=tunnel, lladdr=hardware, dst=route.address))
