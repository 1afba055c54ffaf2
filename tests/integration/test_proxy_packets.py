"""kube-proxy's rules with real packets, in network namespaces of our own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from apimachinery.objects import Object
from kube_proxy.conntrack import Conntrack, stale_flows
from kube_proxy.context import Context
from kube_proxy.nftables import Nftables
from kube_proxy.ruleset import Ruleset
from kube_proxy.state import State
from kube_proxy.table_watch import watch_table
from tests.fakes.network import CLIENT, NODE, PODS, Network, Server, ask, is_possible, network
from tests.unit.kube_proxy.builders import make_endpoint, make_service, make_slice, make_state

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(not is_possible(), reason="needs root and network namespaces"),
]
VIP = "172.30.0.41"
POD1, POD2 = (make_endpoint(ip) for ip in PODS.values())
CONTEXT = Context(
    node="here", node_ips=(NODE,), node_port_ips=(NODE,), is_local="ip saddr 10.180.0.0/16",
    is_not_local="ip saddr != 10.180.0.0/16", service_cidrs=("172.30.0.0/16",),
)  # fmt: skip


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with network() as made:
        servers = [Server(made, pod, 8080) for pod in PODS]
        try:
            yield made
        finally:
            for server in servers:
                server.close()


class Node:
    """The node's proxy, without the API."""

    def __init__(self, net: Network) -> None:
        self._net = net
        self.writer = Nftables()
        self.written: Ruleset | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._net.inside("node", lambda: asyncio.run(work()))

    def program(self, *services: Object, slices: list[Object]) -> State:
        """From nothing the first time, by changes after that."""
        state = make_state(list(services), slices, CONTEXT)
        wanted = state.plan()
        if self.written is None:
            self.run(lambda: self.writer.replace(wanted))
        else:
            before = self.written
            self.run(lambda: self.writer.change(before, wanted))
        self.written = wanted
        return state

    def listing(self) -> str:
        command = ["ip", "netns", "exec", self._net.name("node"), "nft", "list", "ruleset"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def node(net: Network) -> Iterator[Node]:
    made = Node(net)
    yield made
    made.run(made.writer.cleanup)


def backends(*endpoints: Object, protocol: str = "TCP") -> list[Object]:
    return [make_slice("svc", *endpoints, port=8080, protocol=protocol)]


def service(**spec: Any) -> Object:
    return make_service("svc", VIP, **spec)


def test_a_pod_reaches_every_endpoint_with_its_own_address(net: Network, node: Node) -> None:
    node.program(service(), slices=backends(POD2))
    assert ask(net, "pod1", VIP, 80) == ("pod2", PODS["pod1"])
    node.program(service(), slices=backends(POD1, POD2))
    assert {ask(net, "pod1", VIP, 80)[0] for _ in range(40)} == {"pod1", "pod2"}


def test_a_pod_that_reaches_itself_sees_the_node_as_source(net: Network, node: Node) -> None:
    node.program(service(), slices=backends(POD1))
    name, source = ask(net, "pod1", VIP, 80)
    assert name == "pod1"
    assert source != PODS["pod1"]


def test_traffic_from_outside_the_cluster_is_masqueraded(net: Network, node: Node) -> None:
    node.program(service(), slices=backends(POD1))
    name, source = ask(net, "client", VIP, 80)
    assert name == "pod1"
    assert source != CLIENT


@pytest.mark.parametrize("who", ["client", "node", "pod2"])
def test_a_node_port_is_reached_from_everywhere(net: Network, node: Node, who: str) -> None:
    node.program(service(type="NodePort", node_port=30080), slices=backends(POD1))
    assert ask(net, who, NODE, 30080)[0] == "pod1"


def test_a_changed_node_port_is_open_and_the_old_one_closed(net: Network, node: Node) -> None:
    node.program(service(type="NodePort", node_port=30080), slices=backends(POD1))
    node.program(service(type="NodePort", node_port=30081), slices=backends(POD1))
    assert ask(net, "client", NODE, 30081)[0] == "pod1"
    with pytest.raises(ConnectionRefusedError):
        ask(net, "client", NODE, 30080)


def test_with_a_local_policy_the_client_keeps_its_address(net: Network, node: Node) -> None:
    node.program(
        service(type="NodePort", node_port=30080, externalTrafficPolicy="Local"), slices=backends(POD1)
    )
    assert ask(net, "client", NODE, 30080) == ("pod1", CLIENT)


def test_with_a_local_policy_and_nobody_here_outside_traffic_is_dropped(net: Network, node: Node) -> None:
    elsewhere = {**POD1, "nodeName": "there"}
    node.program(
        service(type="NodePort", node_port=30080, externalTrafficPolicy="Local"), slices=backends(elsewhere)
    )
    with pytest.raises(TimeoutError):
        ask(net, "client", NODE, 30080)
    assert ask(net, "pod2", NODE, 30080)[0] == "pod1"


@pytest.mark.parametrize("who", ["client", "node", "pod1"])
def test_a_service_without_endpoints_refuses(net: Network, node: Node, who: str) -> None:
    node.program(service(type="NodePort", node_port=30080), slices=[])
    for ip, port in ((VIP, 80), (NODE, 30080)):
        with pytest.raises(ConnectionRefusedError):
            ask(net, who, ip, port)


def test_another_port_of_a_cluster_ip_refuses(net: Network, node: Node) -> None:
    node.program(service(), slices=backends(POD1))
    with pytest.raises(ConnectionRefusedError):
        ask(net, "pod2", VIP, 81)


def test_an_external_ip_leads_to_the_endpoints(net: Network, node: Node) -> None:
    node.program(service(externalIPs=["198.51.100.7"]), slices=backends(POD1))
    assert ask(net, "client", "198.51.100.7", 80)[0] == "pod1"


def test_source_ranges_keep_others_from_a_load_balancer_address(net: Network, node: Node) -> None:
    balancer = {"loadBalancer": {"ingress": [{"ip": "198.51.100.8"}]}}
    for ranges, is_open in ((["203.0.113.0/24"], True), (["192.0.2.0/24"], False)):
        node.program(
            service(type="LoadBalancer", status=balancer, loadBalancerSourceRanges=ranges),
            slices=backends(POD1),
        )
        if is_open:
            assert ask(net, "client", "198.51.100.8", 80)[0] == "pod1"
        else:
            with pytest.raises(TimeoutError):
                ask(net, "client", "198.51.100.8", 80)


def test_with_session_affinity_a_client_stays_with_its_endpoint(net: Network, node: Node) -> None:
    sticky = service(sessionAffinity="ClientIP")
    node.program(sticky, slices=backends(POD1, POD2))
    assert len({ask(net, "client", VIP, 80)[0] for _ in range(20)}) == 1
    node.run(lambda: node.writer.replace(node.written or Ruleset()))  # a restart remembers
    assert len({ask(net, "client", VIP, 80)[0] for _ in range(20)}) == 1


def test_udp_flows_move_on_when_their_endpoint_is_gone(net: Network, node: Node) -> None:
    udp = make_service("svc", VIP, port=53, protocol="UDP")
    node.program(udp, slices=backends(POD1, protocol="UDP"))
    sock = net.inside("client", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with sock:
        sock.settimeout(2)

        def answered_by() -> str:
            sock.sendto(b"?", (VIP, 53))
            return sock.recv(100).decode().split()[0]

        assert answered_by() == "pod1"
        state = node.program(udp, slices=backends(POD2, protocol="UDP"))
        assert answered_by() == "pod1"  # the kernel goes on as it began
        table = Conntrack()
        stale = net.inside(
            "node",
            lambda: stale_flows(table.flows(), state.take_udp_changes(), frozenset({NODE})),
        )
        assert [(flow.destination, flow.reply_source) for flow in stale] == [(VIP, PODS["pod1"])]
        net.inside("node", lambda: table.delete(stale))
        assert answered_by() == "pod2"


def test_a_proxy_is_told_when_its_table_is_deleted(net: Network, node: Node) -> None:
    node.program(service(), slices=backends(POD1))

    async def watch() -> None:
        told = asyncio.Event()
        task = asyncio.create_task(watch_table(told.set))
        await asyncio.sleep(0.1)
        node.program(service(), slices=backends(POD1, POD2))  # our own changes are no news
        assert not told.is_set()
        await node.writer.cleanup()
        async with asyncio.timeout(2):
            await told.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    node.run(watch)


def test_what_is_gone_leaves_nothing_behind(net: Network, node: Node) -> None:
    node.writer = Nftables(clock=iter(range(0, 1000, 10)).__next__)
    node.program(service(sessionAffinity="ClientIP"), slices=backends(POD1))
    node.program(slices=[])
    node.run(node.writer.tidy)
    assert "ns/svc" not in node.listing()
    node.run(node.writer.cleanup)
    assert "kube-proxy" not in node.listing()


def test_a_restart_takes_over_what_another_process_left(net: Network, node: Node) -> None:
    node.program(service(sessionAffinity="ClientIP"), slices=backends(POD1))
    node.writer = Nftables(clock=iter(range(0, 1000, 10)).__next__)
    node.written = None
    node.program(make_service("other", "172.30.0.42"), slices=[make_slice("other", POD2, port=8080)])
    node.run(node.writer.tidy)
    assert ask(net, "pod1", "172.30.0.42", 80)[0] == "pod2"
    assert "ns/svc" not in node.listing()
