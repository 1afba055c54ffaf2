"""Bridges, veth pairs and addresses of this machine, by netlink.

Everything can be repeated: what is there already is left, what is gone already is well. Blocking calls of
some milliseconds; `pod_network` runs them in one thread of their own.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_interface
from typing import TYPE_CHECKING

from kubelet.network.names import BRIDGE_PREFIX, VETH_PREFIX, mac_of, veth_name
from kubelet.network.netlink import LinkError, default_mtu, ignoring, index_of, netlink

if TYPE_CHECKING:
    from pyroute2 import IPRoute

_CLONE_NEWNET = 0x40000000
_POD_INTERFACE = "eth0"


class Links:
    def ensure_bridge(self, name: str, gateway: str) -> None:
        """`gateway` has its prefix length: 10.244.0.1/24. That of an earlier podCIDR is taken away."""
        with netlink() as ip:
            ignoring(errno.EEXIST, lambda: ip.link("add", ifname=name, kind="bridge"))
            index = index_of(ip, name)
            mac = mac_of(str(ip_interface(gateway).ip))
            mtu = default_mtu(ip)
            ip.link("set", index=index, address=mac, state="up", **({"mtu": mtu} if mtu else {}))
            _replace_addresses(ip, index, gateway)

    def attach(self, sandbox_id: str, pid: int, bridge: str, address: str, gateway: str) -> None:
        """A veth pair: one end on the bridge, the other is the sandbox's eth0, with its address and route.

        Nothing takes it away but the end of the sandbox, with whose namespace it goes.
        """
        host_end = veth_name(sandbox_id)
        with netlink() as ip:
            bridge_index = index_of(ip, bridge)
            mtu = dict(ip.link("get", index=bridge_index)[0]["attrs"]).get("IFLA_MTU", 1500)
            ignoring(errno.EEXIST, lambda: _add_veth(ip, host_end, pid, address, mtu))
            index = index_of(ip, host_end)
            ip.link("set", index=index, master=bridge_index, state="up")
            ip.brport("set", index=index, mode=1)
        with in_namespace(pid), netlink() as ip:
            _configure_pod(ip, address, gateway)

    def remove(self, name: str) -> None:
        with netlink() as ip:
            for index in ip.link_lookup(ifname=name):
                ignoring(errno.ENODEV, partial(ip.link, "del", index=index))

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
    index, interface = index_of(ip, _POD_INTERFACE), ip_interface(address)
    ip.link("set", index=index_of(ip, "lo"), state="up")
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
