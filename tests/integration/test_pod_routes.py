"""Ways to other nodes' pods with real packets: two nodes on one subnet, a third behind a router."""

from __future__ import annotations

import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubelet.network import peers
from kubelet.network.names import TUNNEL
from kubelet.network.routes import Backend, Route, RoutePlan, plan_routes, with_tunnels
from tests.fakes.network import Network, Server, ask, is_possible

pytestmark = pytest.mark.netns

NODES = {"a": ("192.0.2.1", "10.244.0"), "b": ("192.0.2.2", "10.244.1"), "c": ("198.51.100.3", "10.244.2")}
NEAR, FAR = Route("10.244.1.0/24", "192.0.2.2"), Route("10.244.2.0/24", "198.51.100.3")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def three_nodes() -> Iterator[Network]:
    """Each node has a pod network of its own: an address on a bridge stands for a pod."""
    net = Network(f"t{uuid.uuid4().hex[:8]}")
    names = ["router", *NODES]
    try:
        for short in names:
            ip("netns", "add", net.name(short))
            ip("-n", net.name(short), "link", "set", "lo", "up")
            net.inside(short, lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
        router = net.name("router")
        for bridge, gateway in (("left", "192.0.2.254/24"), ("right", "198.51.100.254/24")):
            ip("-n", router, "link", "add", bridge, "type", "bridge")
            ip("-n", router, "address", "add", gateway, "dev", bridge)
            ip("-n", router, "link", "set", bridge, "up")
        for short, (address, pods) in NODES.items():
            _add_node(net, short, address, pods)
        yield net
    finally:
        for short in names:
            subprocess.run(["ip", "netns", "delete", net.name(short)], capture_output=True, check=False)


def _add_node(net: Network, short: str, address: str, pods: str) -> None:
    node, router = net.name(short), net.name("router")
    near = address.startswith("192.0.2.")
    ip("-n", router, "link", "add", "name", short, "type", "veth", "peer", "name", "eth0", "netns", node)
    ip("-n", router, "link", "set", "dev", short, "master", "left" if near else "right", "up")
    ip("-n", node, "address", "add", f"{address}/24", "dev", "eth0")
    ip("-n", node, "link", "set", "eth0", "up")
    ip("-n", node, "route", "add", "default", "via", "192.0.2.254" if near else "198.51.100.254")
    ip("-n", node, "link", "add", "pods", "type", "bridge")
    ip("-n", node, "address", "add", f"{pods}.1/24", "dev", "pods")
    ip("-n", node, "link", "set", "pods", "up")


@pytest.fixture
def net() -> Iterator[Network]:
    if not is_possible():
        pytest.skip("needs root and network namespaces")
    with three_nodes() as made:
        yield made


def reach(net: Network, short: str, *routes: Route, backend: Backend = Backend.AUTO) -> set[Route]:
    """What a node's kubelet does when its Nodes have changed; returns the routes there are then."""
    own = NODES[short][0]

    def work() -> set[Route]:
        wanted = with_tunnels(routes, backend, peers.is_direct)
        peers.apply(plan_routes(wanted, peers.present()), own)
        assert plan_routes(wanted, peers.present()) == RoutePlan(), "what was written is what is read"
        return peers.present()

    return net.inside(short, work)


def reach_all(net: Network, backend: Backend = Backend.AUTO) -> None:
    for short, (own, _) in NODES.items():
        others = [Route(f"{pods}.0/24", address) for address, pods in NODES.values() if address != own]
        reach(net, short, *others, backend=backend)


def source_seen(net: Network, source: str, target: str) -> str:
    """The address that a pod of one node has for a pod of another."""
    pod = f"{NODES[source][1]}.1"

    def connect() -> str:
        address = (f"{NODES[target][1]}.1", 8080)
        with socket.create_connection(address, timeout=20, source_address=(pod, 0)) as sock:
            return sock.recv(100).decode().partition(" ")[2]

    return net.inside(source, connect)


@pytest.mark.parametrize("backend", [Backend.AUTO, Backend.VXLAN])
def test_every_pod_reaches_every_other_under_its_own_address(net: Network, backend: Backend) -> None:
    reach_all(net, backend)
    servers = [Server(net, short, 8080) for short in NODES]
    try:
        for source in NODES:
            for target in NODES:
                assert source_seen(net, source, target) == f"{NODES[source][1]}.1"
    finally:
        for server in servers:
            server.close()


def test_neighbours_are_reached_directly_and_others_through_the_tunnel(net: Network) -> None:
    assert reach(net, "a", NEAR, FAR) == {NEAR, Route(FAR.destination, FAR.address, tunnel=True)}


def test_nodes_come_move_and_go(net: Network) -> None:
    reach_all(net)
    server = Server(net, "b", 8080)
    try:
        assert source_seen(net, "a", "b") == "10.244.0.1"
        # It is told of under the address of c: what was direct now leads through the tunnel.
        moved = Route(NEAR.destination, FAR.address)
        assert Route(NEAR.destination, FAR.address, tunnel=True) in reach(net, "a", moved)
        assert reach(net, "a", NEAR) == {NEAR}
        assert source_seen(net, "a", "b") == "10.244.0.1"
        assert reach(net, "a") == set()
        with pytest.raises(OSError, match=r"timed out|unreachable|No route"):
            ask(net, "a", "10.244.1.1", 8080, patience=2)
    finally:
        server.close()


def test_the_tunnel_can_be_taken_away_twice(net: Network) -> None:
    reach(net, "a", FAR)
    assert net.inside("a", lambda: TUNNEL in dict(socket.if_nameindex()).values())
    for _ in range(2):
        net.inside("a", peers.remove_tunnel)
    assert net.inside("a", peers.present) == set()
