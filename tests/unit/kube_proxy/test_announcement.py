"""Which node answers for a balancer's address, on which interface, and how it says so."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from apimachinery.objects import Object
from kube_proxy.addresses import ANNOUNCED, Address, Link, announced_addresses, link_towards, own_addresses
from kube_proxy.announcement import Balancer, announced_here, announcer_of, may_announce
from kube_proxy.arp import frame
from tests.unit.kube_proxy.builders import make_endpoint, make_service, make_slice, make_state

NODES = tuple(f"n{number}" for number in range(5))
ADDRESSES = tuple(f"192.0.2.{number}" for number in range(1, 101))


def node(ready: str = "True", labels: dict[str, str] | None = None, **spec: Any) -> Object:
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": "n", "labels": labels or {}},
        "spec": spec,
        "status": {"conditions": conditions},
    }


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(node(), True, id="ready"),
        pytest.param(node("False"), False, id="not ready"),
        pytest.param(node("Unknown"), False, id="silent"),
        pytest.param(None, False, id="not there"),
        pytest.param(
            node(labels={"node.kubernetes.io/exclude-from-external-load-balancers": ""}), False, id="excluded"
        ),
        pytest.param(
            node(taints=[{"key": "ToBeDeletedByClusterAutoscaler"}]), False, id="about to be deleted"
        ),
        pytest.param(node(unschedulable=True), True, id="cordoned"),
    ],
)
def test_only_fit_nodes_answer(seen: Object | None, expected: bool) -> None:
    assert may_announce(seen) is expected


def test_every_address_has_one_node_and_all_agree() -> None:
    balancers = [Balancer(ip) for ip in ADDRESSES]
    shares = [announced_here(balancers, NODES, {each}) for each in NODES]
    assert sorted(ip for share in shares for ip in share) == sorted(ADDRESSES)
    assert announced_here(balancers, NODES[::-1], {NODES[0]}) == shares[0]
    assert all(10 <= len(share) <= 30 for share in shares)


def test_when_a_node_goes_only_its_addresses_move() -> None:
    before = {ip: announcer_of(Balancer(ip), NODES) for ip in ADDRESSES}
    after = {ip: announcer_of(Balancer(ip), NODES[1:]) for ip in ADDRESSES}
    assert {ip for ip in ADDRESSES if before[ip] != after[ip]} == {ip for ip in before if before[ip] == "n0"}
    assert len(Counter(after[ip] for ip in ADDRESSES if before[ip] == "n0")) > 1


@pytest.mark.parametrize(
    ("nodes", "candidates", "expected"),
    [
        pytest.param({"n1"}, NODES, "n1", id="the one with endpoints"),
        pytest.param({"n1"}, (), None, id="nobody is fit"),
        pytest.param({"n9"}, ("n1",), "n1", id="none with endpoints is fit: then one that says so"),
    ],
)
def test_traffic_that_must_stay_goes_where_endpoints_are(
    nodes: set[str], candidates: tuple[str, ...], expected: str | None
) -> None:
    assert announcer_of(Balancer("192.0.2.1", frozenset(nodes)), candidates) == expected


@pytest.mark.parametrize(
    ("policy", "conditions", "expected"),
    [
        pytest.param("Cluster", {}, set(), id="cluster policy: any"),
        pytest.param("Local", {}, {"here", "there"}, id="local policy: with endpoints"),
        pytest.param("Local", {"ready": False}, {"there"}, id="local policy: with ready ones"),
    ],
)
def test_balancers_know_where_their_endpoints_are(
    policy: str, conditions: dict[str, bool], expected: set[str]
) -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2", "ipMode": "Proxy"}]}}
    service = make_service(
        "svc", "172.30.0.41", type="LoadBalancer", status=status, externalTrafficPolicy=policy
    )
    slices = [make_slice("svc", make_endpoint("10.180.0.1", **conditions), make_endpoint("10.180.1.1"))]
    state = make_state([service], slices)
    state.plan()
    assert state.balancers() == [Balancer("192.0.2.1", frozenset(expected))]


LINKS = (
    Link("lo", "", (Address("127.0.0.1", 8), Address("192.0.2.1", 32, ANNOUNCED))),
    Link("eth0", "02:00:00:00:00:01", (Address("203.0.113.1", 24), Address("fe80::1", 64))),
    Link("eth1", "02:00:00:00:00:02", (Address("198.51.100.1", 24), Address("198.51.100.9", 32))),
)


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        pytest.param("198.51.100.77", "eth1", id="on a network of this machine's"),
        pytest.param("192.0.2.1", "eth0", id="on none: where the node's own address is"),
    ],
)
def test_neighbours_are_told_where_the_address_belongs(ip: str, expected: str) -> None:
    link = link_towards(ip, ("203.0.113.1",), LINKS)
    assert link is not None
    assert link.name == expected


def test_the_nodes_addresses_are_told_from_those_it_only_answers_for() -> None:
    assert own_addresses(LINKS) == ("127.0.0.1", "203.0.113.1", "fe80::1", "198.51.100.1", "198.51.100.9")
    assert announced_addresses(LINKS) == {"192.0.2.1"}


def test_a_gratuitous_arp_is_from_and_about_the_address() -> None:
    assert frame(1, "02:00:00:00:00:01", "192.0.2.1").hex(" ", -2) == (
        "ffff ffff ffff 0200 0000 0001 0806 0001 0800 0604 0001 "
        "0200 0000 0001 c000 0201 0000 0000 0000 c000 0201"
    )
    assert frame(2, "02:00:00:00:00:01", "192.0.2.1").hex().endswith("ffffffffffffc0000201")
