"""Traffic from outside with real packets: node ports, external IPs, load balancers, health checks."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apimachinery.objects import Object
from kube_proxy import sysctls
from kube_proxy.health import ServiceHealth
from tests.fakes.network import CLIENT, GATEWAY, NODE, NODE2, PODS, Network, ask
from tests.integration.proxy.node import EXTERNAL_IP, OTHER_POD, POD1, ProxyNode, backends, is_silent, service

pytestmark = pytest.mark.netns
BALANCER_IP = "198.51.100.8"


def node_port(number: int = 30080, **spec: Any) -> Object:
    return service(type="NodePort", node_port=number, **spec)


def balancer(ip_mode: str = "VIP", **spec: Any) -> Object:
    ingress = [{"ip": BALANCER_IP, "ipMode": ip_mode}]
    return service(type="LoadBalancer", status={"loadBalancer": {"ingress": ingress}}, **spec)


@pytest.mark.parametrize("who", ["client", "node", "pod2"])
def test_a_node_port_is_reached_from_everywhere(net: Network, node: ProxyNode, who: str) -> None:
    node.program(node_port(), slices=backends(POD1))
    assert ask(net, who, NODE, 30080)[0] == "pod1"


def test_a_changed_node_port_is_open_and_the_old_one_closed(net: Network, node: ProxyNode) -> None:
    node.program(node_port(30080), slices=backends(POD1))
    node.program(node_port(30081), slices=backends(POD1))
    assert ask(net, "client", NODE, 30081)[0] == "pod1"
    with pytest.raises(ConnectionRefusedError):
        ask(net, "client", NODE, 30080)


def test_a_node_port_answers_on_the_chosen_addresses_only(net: Network, node: ProxyNode) -> None:
    node.program(node_port(), slices=backends(POD1))
    with pytest.raises(ConnectionRefusedError):
        ask(net, "pod2", GATEWAY, 30080)


def test_a_node_port_may_answer_on_every_address(net: Network, node: ProxyNode) -> None:
    node.context = replace(node.context, node_ports_everywhere=True)
    node.program(node_port(), slices=backends(POD1))
    assert ask(net, "pod2", GATEWAY, 30080)[0] == "pod1"
    with pytest.raises(ConnectionRefusedError):
        ask(net, "node", "127.0.0.1", 30080)


@pytest.mark.parametrize("mode", ["iptables"])
def test_a_node_port_may_answer_on_localhost(net: Network, node: ProxyNode) -> None:
    node.context = replace(node.context, node_ports_everywhere=True, localhost_node_ports=True)
    net.inside("node", sysctls.route_loopback)
    try:
        node.program(node_port(), slices=backends(POD1))
        assert ask(net, "node", "127.0.0.1", 30080)[0] == "pod1"
    finally:
        net.inside("node", lambda: Path("/proc/sys/net/ipv4/conf/all/route_localnet").write_text("0"))


@pytest.mark.parametrize("mode", ["iptables"])
def test_node_ports_are_forwarded_where_nothing_else_is(net: Network, node: ProxyNode) -> None:
    node.program(node_port(), slices=backends(POD1))
    node.command("iptables", "-P", "FORWARD", "DROP")
    try:
        assert ask(net, "client", NODE, 30080)[0] == "pod1"
        assert is_silent(net, "client", PODS["pod1"], 8080)
    finally:
        node.command("iptables", "-P", "FORWARD", "ACCEPT")


def test_with_a_local_policy_the_client_keeps_its_address(net: Network, node: ProxyNode) -> None:
    node.program(node_port(externalTrafficPolicy="Local"), slices=backends(POD1, OTHER_POD))
    assert {ask(net, "client", NODE, 30080) for _ in range(20)} == {("pod1", CLIENT)}


def test_with_a_local_policy_and_nobody_here_outside_traffic_is_dropped(
    net: Network, node: ProxyNode
) -> None:
    node.program(node_port(externalTrafficPolicy="Local"), slices=backends(OTHER_POD))
    assert is_silent(net, "client", NODE, 30080)
    assert ask(net, "pod2", NODE, 30080)[0] == "pod3"
    assert ask(net, "node", NODE, 30080)[0] == "pod3"


def test_with_a_local_policy_endpoints_that_end_are_used_before_those_elsewhere(
    net: Network, node: ProxyNode
) -> None:
    ending = {**POD1, "conditions": {"ready": False, "serving": True, "terminating": True}}
    node.program(node_port(externalTrafficPolicy="Local"), slices=backends(ending, OTHER_POD))
    assert ask(net, "client", NODE, 30080) == ("pod1", CLIENT)


def test_two_nodes_lead_to_each_others_endpoints(net: Network, node: ProxyNode, node2: ProxyNode) -> None:
    for each in (node, node2):
        each.program(node_port(), slices=backends(POD1))
    assert ask(net, "client", NODE, 30080) == ("pod1", GATEWAY)
    assert ask(net, "client", NODE2, 30080) == ("pod1", NODE2)


def test_two_nodes_with_a_local_policy_lead_to_their_own(
    net: Network, node: ProxyNode, node2: ProxyNode
) -> None:
    for each in (node, node2):
        each.program(node_port(externalTrafficPolicy="Local"), slices=backends(POD1, OTHER_POD))
    assert ask(net, "client", NODE, 30080) == ("pod1", CLIENT)
    assert ask(net, "client", NODE2, 30080) == ("pod3", CLIENT)


@pytest.mark.parametrize("who", ["client", "node", "pod2"])
def test_an_external_ip_leads_to_the_endpoints(net: Network, node: ProxyNode, who: str) -> None:
    node.program(service(externalIPs=[EXTERNAL_IP]), slices=backends(POD1))
    assert ask(net, who, EXTERNAL_IP, 80)[0] == "pod1"


@pytest.mark.parametrize("who", ["client", "node", "pod2"])
def test_a_balancers_address_leads_to_the_endpoints(net: Network, node: ProxyNode, who: str) -> None:
    node.program(balancer(), slices=backends(POD1))
    assert ask(net, who, BALANCER_IP, 80)[0] == "pod1"


def test_a_balancer_with_a_local_policy_keeps_the_clients_address(net: Network, node: ProxyNode) -> None:
    node.program(balancer(externalTrafficPolicy="Local"), slices=backends(POD1, OTHER_POD))
    assert {ask(net, "client", BALANCER_IP, 80) for _ in range(10)} == {("pod1", CLIENT)}


def test_the_address_of_a_balancer_that_proxies_is_left_to_it(net: Network, node: ProxyNode) -> None:
    node.program(balancer("Proxy"), slices=backends(POD1))
    assert is_silent(net, "pod2", BALANCER_IP, 80)


@pytest.mark.parametrize(
    ("ranges", "is_open"),
    [
        pytest.param(["203.0.113.0/24"], True, id="inside"),
        pytest.param(["192.0.2.0/24"], False, id="outside"),
        pytest.param(["192.0.2.0/24", "203.0.113.5/32", "203.0.0.0/16"], True, id="in ranges that overlap"),
        pytest.param(["203.0.113.1/24"], True, id="in a range written sloppily"),
    ],
)
def test_source_ranges_keep_others_from_a_balancers_address(
    net: Network, node: ProxyNode, ranges: list[str], is_open: bool
) -> None:
    node.program(balancer(node_port=30080, loadBalancerSourceRanges=ranges), slices=backends(POD1))
    if is_open:
        assert ask(net, "client", BALANCER_IP, 80)[0] == "pod1"
    else:
        assert is_silent(net, "client", BALANCER_IP, 80)
    assert ask(net, "client", NODE, 30080)[0] == "pod1"


def test_source_ranges_hold_where_the_address_is_the_nodes_own(net: Network, node: ProxyNode) -> None:
    """The node's own packets have the balancer's address as their source then."""
    node.command("ip", "address", "add", f"{BALANCER_IP}/32", "dev", "lo")
    try:
        node.program(balancer(loadBalancerSourceRanges=["203.0.113.1/32"]), slices=backends(POD1))
        assert ask(net, "node", BALANCER_IP, 80)[0] == "pod1"
        assert is_silent(net, "client", BALANCER_IP, 80)
    finally:
        node.command("ip", "address", "delete", f"{BALANCER_IP}/32", "dev", "lo")


def test_balancers_are_told_whether_the_node_has_endpoints(net: Network, node: ProxyNode) -> None:
    local = balancer(externalTrafficPolicy="Local", healthCheckNodePort=30090)

    async def look() -> list[tuple[int, str, Any]]:
        health = ServiceHealth(lambda: True, lambda service, reason: pytest.fail(reason))
        seen = []
        for endpoints in (backends(POD1, OTHER_POD), backends(OTHER_POD)):
            state = await asyncio.to_thread(node.program, local, slices=endpoints)
            await health.sync(state.local_endpoints(), [NODE])
            seen.append(await asyncio.to_thread(net.inside, "client", check_health))
        await health.aclose()
        return seen

    if node.mode == "iptables":
        node.command("iptables", "-P", "INPUT", "DROP")
    try:
        seen = net.inside("node", lambda: asyncio.run(look()))
    finally:
        if node.mode == "iptables":
            node.command("iptables", "-P", "INPUT", "ACCEPT")
    body = {"service": {"namespace": "ns", "name": "svc"}, "serviceProxyHealthy": True}
    assert seen == [(200, "1", {**body, "localEndpoints": 1}), (503, "0", {**body, "localEndpoints": 0})]


def check_health() -> tuple[int, str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(f"http://{NODE}:30090/healthz", timeout=2)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers["X-Load-Balancing-Endpoint-Weight"], json.load(answer)
