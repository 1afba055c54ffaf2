"""A small real network of namespaces: two nodes with pods, and a client, on one LAN. Needs root."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
PODS = {"pod1": "10.180.0.1", "pod2": "10.180.0.2"}
POD3 = "10.180.1.1"
CLIENT, NODE, NODE2 = "203.0.113.5", "203.0.113.1", "203.0.113.2"
GATEWAY = "10.180.0.254"
# Tests refuse more often than a kernel is willing to say.
_SETTINGS = {"ip_forward": "1", "icmp_ratelimit": "0"}


@dataclass(frozen=True)
class Network:
    """Namespaces by short name: node with pod1 and pod2, node2 with pod3, client, and the LAN they are on."""

    prefix: str

    def name(self, short: str) -> str:
        return f"{self.prefix}-{short}"

    def inside(self, short: str, work: Callable[[], T]) -> T:
        """Runs `work` in a thread whose network is that namespace's. Sockets made there stay there."""
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            with Path(f"/var/run/netns/{self.name(short)}").open() as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                    errors.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                results.append(work())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]


def is_possible() -> bool:
    if os.geteuid():
        return False
    name = f"probe-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return made.returncode == 0


@contextmanager
def network() -> Iterator[Network]:
    net = Network(f"t{uuid.uuid4().hex[:8]}")
    names = ["lan", "node", "node2", "client", *PODS, "pod3"]
    try:
        for short in names:
            _ip("netns", "add", net.name(short))
            _ip("-n", net.name(short), "link", "set", "lo", "up")
        _ip("-n", net.name("lan"), "link", "add", "br0", "type", "bridge")
        _ip("-n", net.name("lan"), "link", "set", "br0", "up")
        for short, ip in (("node", NODE), ("node2", NODE2), ("client", CLIENT)):
            _plug_in(net, short, ip)
        for node, pods in (("node", PODS), ("node2", {"pod3": POD3})):
            for pod, ip in pods.items():
                _connect(net, node, pod, ip)
            _default_route(net.name(node))
            for setting, value in _SETTINGS.items():
                net.inside(node, lambda: Path("/proc/sys/net/ipv4", setting).write_text(value))  # noqa: B023
        _ip("-n", net.name("client"), "route", "add", "default", "via", NODE)
        _ip("-n", net.name("node"), "route", "add", "10.180.1.0/24", "via", NODE2)
        _ip("-n", net.name("node2"), "route", "add", "10.180.0.0/24", "via", NODE)
        yield net
    finally:
        for short in names:
            subprocess.run(["ip", "netns", "delete", net.name(short)], capture_output=True, check=False)


def _default_route(node: str) -> None:
    """To nowhere: without a route packets to service addresses would be refused before any rule sees them."""
    _ip("-n", node, "link", "add", "sink", "type", "veth", "peer", "name", "drain")
    _ip("-n", node, "link", "set", "sink", "arp", "off", "up")
    _ip("-n", node, "route", "add", "default", "dev", "sink")


def _plug_in(net: Network, short: str, ip: str) -> None:
    """A cable to the LAN's switch."""
    lan, there = net.name("lan"), net.name(short)
    _ip("-n", lan, "link", "add", short, "type", "veth", "peer", "name", "eth0", "netns", there)
    _ip("-n", lan, "link", "set", short, "master", "br0", "up")
    _ip("-n", there, "address", "add", f"{ip}/24", "dev", "eth0")
    _ip("-n", there, "link", "set", "eth0", "up")


def _connect(net: Network, node_short: str, short: str, ip: str) -> None:
    """A cable to the node, which is the gateway."""
    node, there = net.name(node_short), net.name(short)
    _ip("-n", node, "link", "add", short, "type", "veth", "peer", "name", "eth0", "netns", there)
    _ip("-n", node, "address", "add", f"{GATEWAY}/32", "dev", short)
    _ip("-n", there, "address", "add", f"{ip}/32", "dev", "eth0")
    _ip("-n", node, "link", "set", short, "up")
    _ip("-n", there, "link", "set", "eth0", "up")
    _ip("-n", node, "route", "add", ip, "dev", short)
    _ip("-n", there, "route", "add", GATEWAY, "dev", "eth0")
    _ip("-n", there, "route", "add", "default", "via", GATEWAY)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Server:
    """Answers each TCP connection and UDP packet with its own name and the address it came from."""

    def __init__(self, net: Network, short: str, port: int) -> None:
        self._name = short
        self._tcp = net.inside(short, lambda: socket.create_server(("0.0.0.0", port)))
        self._udp = net.inside(short, lambda: _udp_socket(port))
        self._threads = [threading.Thread(target=each) for each in (self._serve_tcp, self._serve_udp)]
        for thread in self._threads:
            thread.start()

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, peer = self._tcp.accept()
            except OSError:
                return
            with connection:
                connection.sendall(f"{self._name} {peer[0]}".encode())

    def _serve_udp(self) -> None:
        while True:
            try:
                _, peer = self._udp.recvfrom(100)
                if peer is None:  # shut down
                    return
                self._udp.sendto(f"{self._name} {peer[0]}".encode(), peer)
            except OSError:
                return

    def close(self) -> None:
        for sock in (self._tcp, self._udp):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join()


def _udp_socket(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", port))
    return sock


def ask(net: Network, short: str, ip: str, port: int, *, patience: float = 20) -> tuple[str, str]:
    """(who answered, the source it saw) over TCP; raises what connecting raises."""

    def connect() -> tuple[str, str]:
        with socket.create_connection((ip, port), timeout=patience) as sock:
            name, _, source = sock.recv(100).decode().partition(" ")
            return name, source

    return net.inside(short, connect)
