"""Bridges, veth pairs, addresses and routes of this machine: the only place that speaks netlink.

Everything can be repeated: what is there already is left, what is gone already is well. Blocking calls of
some milliseconds; `pod_network` runs them in one thread of their own.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_interface
from typing import TYPE_CHECKING, Any

from kubelet.network.names import BRIDGE_PREFIX, VETH_PREFIX, mac_of, veth_name
from kubelet.network.routes import ROUTE_PROTOCOL, Route, RoutePlan

if TYPE_CHECKING:
    from pyroute2 import IPRoute

_CLONE_NEWNET = 0x40000000
_POD_INTERFACE = "eth0"


class LinkError(Exception):
    """The kernel refused; the message says what and why."""


class Links:
    def ensure_bridge(self, name: str, gateway: str) -> None:
        """`gateway` has its prefix length: 10.244.0.1/24. That of an earlier podCIDR is taken away."""
        with netlink() as ip:
            _ignoring(errno.EEXIST, lambda: ip.link("add", ifname=name, kind="bridge"))
            index = _index(ip, name)
            mac = mac_of(str(ip_interface(gateway).ip))
            mtu = _default_mtu(ip)
            ip.link("set", index=index, address=mac, state="up", **({"mtu": mtu} if mtu else {}))
            _replace_addresses(ip, index, gateway)

    def attach(self, sandbox_id: str, pid: int, bridge: str, address: str, gateway: str) -> None:
        """A veth pair: one end on the bridge, the other is the sandbox's eth0, with its address and route.

        Nothing takes it away but the end of the sandbox, with whose namespace it goes.
        """
        host_end = veth_name(sandbox_id)
        with netlink() as ip:
            bridge_index = _index(ip, bridge)
            mtu = dict(ip.link("get", index=bridge_index)[0]["attrs"]).get("IFLA_MTU", 1500)
            _ignoring(errno.EEXIST, lambda: _add_veth(ip, host_end, pid, address, mtu))
            index = _index(ip, host_end)
            ip.link("set", index=index, master=bridge_index, state="up")
            ip.brport("set", index=index, mode=1)
        with in_namespace(pid), netlink() as ip:
            _configure_pod(ip, address, gateway)

    def remove(self, name: str) -> None:
        with netlink() as ip:
            for index in ip.link_lookup(ifname=name):
                _ignoring(errno.ENODEV, partial(ip.link, "del", index=index))

    def ours(self) -> list[str]:
        """Every bridge and veth that any node of this machine made."""
        with netlink() as ip:
            names = [link.get_attr("IFLA_IFNAME") for link in ip.get_links()]
        return [name for name in names if name.startswith((BRIDGE_PREFIX, VETH_PREFIX))]

    def ports_of(self, bridge: str) -> list[str]:
        with netlink() as ip:
            found = ip.link_lookup(ifname=bridge)
            links = ip.get_links(master=found[0]) if found else ()
            return [link.get_attr("IFLA_IFNAME") for link in links]

    def routes(self) -> set[Route]:
        """Those to other nodes' pods that we have made."""
        with netlink() as ip:
            found = ip.get_routes(family=socket.AF_INET, proto=ROUTE_PROTOCOL)
            return set(_routes(found))

    def apply_routes(self, plan: RoutePlan) -> None:
        with netlink() as ip:
            for route in plan.remove:
                _ignoring(errno.ESRCH, partial(_route, ip, "del", route))
            for route in plan.add:
                _route(ip, "replace", route)


@contextmanager
def netlink() -> Iterator[IPRoute]:
    # Imported late: hollow nodes never need it, and it takes nine megabytes.
    from pyroute2 import IPRoute, NetlinkError

    try:
        with IPRoute() as ip:
            yield ip
    except (NetlinkError, OSError) as error:
        raise LinkError(str(error)) from error


@contextmanager
def in_namespace(pid: int) -> Iterator[None]:
    """This thread is in the process's network namespace for a while; sockets opened there stay there."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(namespace: int) -> None:
        if libc.setns(namespace, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise LinkError(f"cannot enter the network namespace of {pid}: {os.strerror(number)}")

    try:
        home, there = (
            os.open("/proc/thread-self/ns/net", os.O_RDONLY),
            os.open(f"/proc/{pid}/ns/net", os.O_RDONLY),
        )
    except OSError as error:
        raise LinkError(f"the sandbox's process is gone: {error}") from error
    try:
        enter(there)
        try:
            yield
        finally:
            enter(home)
    finally:
        os.close(home)
        os.close(there)


def _add_veth(ip: IPRoute, host_end: str, pid: int, address: str, mtu: int) -> None:
    peer = {
        "ifname": _POD_INTERFACE,
        "net_ns_pid": pid,
        "address": mac_of(str(ip_interface(address).ip)),
        "mtu": mtu,
    }
    ip.link("add", ifname=host_end, kind="veth", mtu=mtu, peer=peer)


def _configure_pod(ip: IPRoute, address: str, gateway: str) -> None:
    index, interface = _index(ip, _POD_INTERFACE), ip_interface(address)
    ip.link("set", index=_index(ip, "lo"), state="up")
    ip.addr("replace", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen)
    ip.link("set", index=index, state="up")
    ip.route("replace", dst="default", gateway=gateway)


def _replace_addresses(ip: IPRoute, index: int, wanted: str) -> None:
    interface = ip_interface(wanted)
    for each in ip.get_addr(index=index, family=socket.AF_INET):
        found = (each.get_attr("IFA_ADDRESS"), each["prefixlen"])
        if found != (str(interface.ip), interface.network.prefixlen):
            ip.addr("del", index=index, address=found[0], prefixlen=found[1])
    ip.addr("replace", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen)


def _default_mtu(ip: IPRoute) -> int:
    """Of the way out of this machine; 0 if it has none."""
    for route in ip.get_default_routes(family=socket.AF_INET):
        if index := route.get_attr("RTA_OIF"):
            return int(dict(ip.link("get", index=index)[0]["attrs"])["IFLA_MTU"])
    return 0


def _routes(found: Iterable[Any]) -> Iterator[Route]:
    for each in found:
        destination, gateway = each.get_attr("RTA_DST"), each.get_attr("RTA_GATEWAY")
        if destination and gateway:
            yield Route(f"{destination}/{each['dst_len']}", gateway)


def _route(ip: IPRoute, verb: str, route: Route) -> None:
    ip.route(verb, dst=route.destination, gateway=route.gateway, proto=ROUTE_PROTOCOL)


def _index(ip: IPRoute, name: str) -> int:
    found = ip.link_lookup(ifname=name)
    if not found:
        raise LinkError(f"there is no interface {name}")
    return int(found[0])


def _ignoring(number: int, action: Callable[[], object]) -> None:
    from pyroute2 import NetlinkError

    try:
        action()
    except NetlinkError as error:
        if error.code != number:
            raise
