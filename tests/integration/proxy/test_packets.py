"""Services with real packets, in network namespaces of our own and both proxy modes."""

from __future__ import annotations

import socket
import time

import pytest

from kube_proxy.conntrack import Conntrack, stale_flows
from kube_proxy.ruleset import Ruleset
from kube_proxy.state import State
from tests.fakes.network import CLIENT, NODE, PODS, Network, ask
from tests.integration.proxy.node import (
    EXTERNAL_IP,
    OTHER_POD,
    POD1,
    POD2,
    VIP,
    ProxyNode,
    UdpClient,
    backends,
    is_silent,
    service,
)
from tests.unit.kube_proxy.builders import make_service

pytestmark = pytest.mark.netns


def test_a_pod_reaches_every_endpoint_with_its_own_address(net: Network, node: ProxyNode) -> None:
    node.program(service(), slices=backends(POD2))
    assert ask(net, "pod1", VIP, 80) == ("pod2", PODS["pod1"])
    node.program(service(), slices=backends(POD1, POD2))
    assert {ask(net, "pod1", VIP, 80)[0] for _ in range(40)} == {"pod1", "pod2"}


def test_a_pod_that_reaches_itself_sees_the_node_as_source(net: Network, node: ProxyNode) -> None:
    node.program(service(), slices=backends(POD1))
    name, source = ask(net, "pod1", VIP, 80)
    assert name == "pod1"
    assert source != PODS["pod1"]


def test_traffic_from_outside_the_cluster_is_masqueraded(net: Network, node: ProxyNode) -> None:
    node.program(service(), slices=backends(POD1))
    name, source = ask(net, "client", VIP, 80)
    assert name == "pod1"
    assert source != CLIENT


def test_traffic_to_endpoints_of_another_node_comes_back(net: Network, node: ProxyNode) -> None:
    node.program(service(), slices=backends(OTHER_POD))
    assert ask(net, "client", VIP, 80) == ("pod3", NODE)
    assert ask(net, "pod1", VIP, 80) == ("pod3", PODS["pod1"])


@pytest.mark.parametrize("who", ["client", "node", "pod1"])
def test_a_service_without_endpoints_refuses(net: Network, node: ProxyNode, who: str) -> None:
    node.program(service(type="NodePort", node_port=30080), slices=[])
    for ip, port in ((VIP, 80), (NODE, 30080)):
        with pytest.raises(ConnectionRefusedError):
            ask(net, who, ip, port)


def test_a_udp_service_without_endpoints_refuses(net: Network, node: ProxyNode) -> None:
    node.program(service(protocol="UDP"), slices=[])
    with UdpClient(net) as client, pytest.raises(ConnectionRefusedError):
        client.ask(VIP, 80)


def test_another_port_of_a_cluster_ip_refuses(net: Network, node: ProxyNode) -> None:
    if node.mode == "iptables":
        pytest.skip("as upstream's, iptables mode knows nothing of other ports")
    node.program(service(), slices=backends(POD1))
    with pytest.raises(ConnectionRefusedError):
        ask(net, "pod2", VIP, 81)


def test_with_an_internal_local_policy_only_endpoints_here_are_used(net: Network, node: ProxyNode) -> None:
    local = service(internalTrafficPolicy="Local")
    node.program(local, slices=backends(POD1, OTHER_POD))
    assert {ask(net, "pod2", VIP, 80)[0] for _ in range(20)} == {"pod1"}
    node.program(local, slices=backends(OTHER_POD))
    assert is_silent(net, "pod2", VIP, 80)


def test_endpoints_that_end_are_used_while_there_are_no_others(net: Network, node: ProxyNode) -> None:
    ending = {**POD1, "conditions": {"ready": False, "serving": True, "terminating": True}}
    node.program(service(), slices=backends(ending))
    assert ask(net, "pod2", VIP, 80)[0] == "pod1"
    node.program(service(), slices=backends(ending, OTHER_POD))
    assert {ask(net, "pod2", VIP, 80)[0] for _ in range(20)} == {"pod3"}


def test_endpoints_meant_for_another_node_are_left_to_it(net: Network, node: ProxyNode) -> None:
    here = {**POD1, "hints": {"forNodes": [{"name": "here"}]}}
    there = {**OTHER_POD, "hints": {"forNodes": [{"name": "there"}]}}
    node.program(service(), slices=backends(here, there))
    assert {ask(net, "pod2", VIP, 80)[0] for _ in range(20)} == {"pod1"}


def test_with_session_affinity_a_client_stays_with_its_endpoint(net: Network, node: ProxyNode) -> None:
    sticky = service(sessionAffinity="ClientIP")
    node.program(sticky, slices=backends(POD1, POD2))
    chosen = {ask(net, "client", VIP, 80)[0] for _ in range(20)}
    assert len(chosen) == 1
    node.run(lambda: node.writer.replace(node.written or Ruleset()))  # a restart remembers
    assert {ask(net, "client", VIP, 80)[0] for _ in range(20)} == chosen


def test_session_affinity_ends_with_its_time(net: Network, node: ProxyNode) -> None:
    config = {"clientIP": {"timeoutSeconds": 1}}
    sticky = service(sessionAffinity="ClientIP", sessionAffinityConfig=config)
    node.program(sticky, slices=backends(POD1, POD2))
    seen = {ask(net, "client", VIP, 80)[0]}
    for _ in range(60):
        time.sleep(1.1)  # each question asked earlier would begin the time anew
        seen.add(ask(net, "client", VIP, 80)[0])
        if len(seen) == 2:
            return
    pytest.fail(f"always answered by {seen}")


def test_udp_flows_move_on_when_their_endpoint_is_gone(net: Network, node: ProxyNode) -> None:
    udp = service(port=53, protocol="UDP")
    with UdpClient(net) as client:
        node.program(udp, slices=backends(POD1, protocol="UDP"))
        assert client.ask(VIP, 53) == "pod1"
        state = node.program(udp, slices=backends(POD2, protocol="UDP"))
        assert client.ask(VIP, 53) == "pod1"  # the kernel goes on as it began
        assert (VIP, PODS["pod1"]) in forget_stale_flows(net, state)
        assert client.ask(VIP, 53) == "pod2"


def test_udp_flows_from_before_the_service_find_its_first_endpoint(net: Network, node: ProxyNode) -> None:
    node.program(slices=[])
    with UdpClient(net) as client:
        with pytest.raises(TimeoutError):
            client.ask(EXTERNAL_IP, 53, patience=0.5)
        udp = service(port=53, protocol="UDP", externalIPs=[EXTERNAL_IP])
        state = node.program(udp, slices=backends(POD1, protocol="UDP"))
        with pytest.raises(TimeoutError):
            client.ask(EXTERNAL_IP, 53, patience=0.5)  # the kernel goes on as it began
        assert (EXTERNAL_IP, EXTERNAL_IP) in forget_stale_flows(net, state)
        assert client.ask(EXTERNAL_IP, 53) == "pod1"


def forget_stale_flows(net: Network, state: State) -> list[tuple[str, str]]:
    table = Conntrack()
    changes = state.take_udp_changes()
    stale = net.inside("node", lambda: stale_flows(table.flows(), changes, frozenset({NODE})))
    net.inside("node", lambda: table.delete(stale))
    return [(flow.destination, flow.reply_source) for flow in stale]


def test_sctp_is_led_too(net: Network, node: ProxyNode) -> None:
    try:
        server = net.inside("pod1", lambda: _sctp_server(8080))
    except OSError:
        pytest.skip("the kernel has no SCTP")
    with server:
        node.program(service(protocol="SCTP"), slices=backends(POD1, protocol="SCTP"))
        with net.inside("pod2", lambda: _sctp_connection(VIP, 80)):
            server.settimeout(20)
            connection, peer = server.accept()
            connection.close()
    assert peer[0] == PODS["pod2"]


def _sctp_server(port: int) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
    server.bind(("0.0.0.0", port))
    server.listen()
    return server


def _sctp_connection(ip: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
    sock.settimeout(20)
    sock.connect((ip, port))
    return sock


def test_two_services_do_not_mix(net: Network, node: ProxyNode) -> None:
    other = make_service("other", "172.30.0.42", port=8080)
    node.program(service(), other, slices=[*backends(POD1)])
    assert ask(net, "pod2", VIP, 80)[0] == "pod1"
    with pytest.raises(ConnectionRefusedError):
        ask(net, "pod2", "172.30.0.42", 8080)
