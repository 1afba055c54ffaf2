"""A node's proxy without the API, in a namespace: services and slices in, real rules out."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from apimachinery.objects import Object
from kube_proxy.backends import BACKENDS
from kube_proxy.context import Context, PodTraffic
from kube_proxy.ruleset import Ruleset
from kube_proxy.state import State
from tests.fakes.network import NODE, NODE2, POD3, PODS, Network, ask
from tests.unit.kube_proxy.builders import make_endpoint, make_service, make_slice, make_state

VIP, EXTERNAL_IP = "172.30.0.41", "198.51.100.7"
POD1, POD2, OTHER_POD = (make_endpoint(ip) for ip in (*PODS.values(), POD3))
CONTEXT = Context(
    node="here", node_ips=(NODE,), node_port_ips=(NODE,), pods=PodTraffic("source", "10.180.0.0/16"),
    service_cidrs=("172.30.0.0/16",),
)  # fmt: skip
CONTEXT2 = replace(CONTEXT, node="there", node_ips=(NODE2,), node_port_ips=(NODE2,))
LISTINGS = {"nftables": ("nft", "list", "ruleset"), "iptables": ("iptables-save",)}


class ProxyNode:
    """Rules are written from nothing the first time, by changes after that."""

    def __init__(self, net: Network, mode: str, short: str = "node", context: Context = CONTEXT) -> None:
        self.net, self.mode, self._short = net, mode, short
        self.context = context
        self.backend = BACKENDS[mode]
        self.writer = self.backend.writer()
        self.written: Ruleset | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.net.inside(self._short, lambda: asyncio.run(work()))

    def program(self, *services: Object, slices: list[Object]) -> State:
        state = make_state(list(services), slices, self.context, self.backend)
        wanted, before = state.plan(), self.written
        if before is None:
            self.run(lambda: self.writer.replace(wanted))
        else:
            self.run(lambda: self.writer.change(before, wanted))
        self.written = wanted
        return state

    def command(self, *words: str) -> str:
        inside = ["ip", "netns", "exec", self.net.name(self._short), *words]
        return subprocess.run(inside, check=True, capture_output=True, text=True).stdout

    def listing(self) -> str:
        """All rules of the node, whoever made them."""
        lines = self.command(*LISTINGS[self.mode]).splitlines()
        return "\n".join(line for line in lines if not line.startswith("#"))


def service(**spec: Any) -> Object:
    return make_service("svc", VIP, **spec)


def backends(*endpoints: Object, protocol: str = "TCP") -> list[Object]:
    return [make_slice("svc", *endpoints, port=8080, protocol=protocol)]


def is_silent(net: Network, short: str, ip: str, port: int) -> bool:
    """Whether packets vanish, which the one who waits can only guess."""
    try:
        ask(net, short, ip, port, patience=0.4)
    except TimeoutError:
        return True
    return False


class UdpClient:
    """One socket, so that all it sends is one flow."""

    def __init__(self, net: Network, short: str = "client") -> None:
        self._socket = net.inside(short, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def __enter__(self) -> UdpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, ip: str, port: int, *, patience: float = 20) -> str:
        """Who answered; raises what sending or waiting raises."""
        self._socket.settimeout(patience)
        self._socket.connect((ip, port))
        self._socket.send(b"?")
        return self._socket.recv(100).decode().split()[0]
