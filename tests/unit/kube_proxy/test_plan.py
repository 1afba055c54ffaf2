"""Rulesets of both modes as text, compared with golden files: what a service adds to what is always there.

Written anew by `SAMPAN_UPDATE_GOLDEN=1 pytest tests/unit/kube_proxy`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from apimachinery.objects import Object
from kube_proxy.backends import IPTABLES, NFTABLES, Backend
from kube_proxy.context import Context, PodTraffic
from kube_proxy.iptables import text as iptables
from kube_proxy.nftables import text as nftables
from tests.unit.kube_proxy.builders import CONTEXT, make_endpoint, make_service, make_slice, ruleset_of

GOLDEN = Path(__file__).parent / "golden"
HERE, THERE = make_endpoint("10.180.0.1"), make_endpoint("10.180.1.1")
DRAINING = {"ready": False, "serving": True, "terminating": True}
BALANCER = {"loadBalancer": {"ingress": [{"ip": "5.6.7.8"}]}}

CASES: dict[str, tuple[list[Object], list[Object], Context]] = {
    "cluster-ip": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", HERE, THERE, port=8080)], CONTEXT,
    ),
    "no-endpoints": ([make_service("svc", "172.30.0.41", node_port=3001)], [], CONTEXT),
    "only-unready": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", make_endpoint("10.180.0.1", ready=False))],
        CONTEXT,
    ),
    "only-draining": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", make_endpoint("10.180.0.1", **DRAINING))],
        CONTEXT,
    ),
    "node-port": (
        [make_service("svc", "172.30.0.41", type="NodePort", node_port=3001)], [make_slice("svc", THERE)],
        CONTEXT,
    ),
    "node-port-local-policy": (
        [
            make_service(
                "svc", "172.30.0.41", type="NodePort", node_port=3001, externalTrafficPolicy="Local"
            )
        ],
        [make_slice("svc", HERE, THERE)], CONTEXT,
    ),
    "node-port-local-policy-nobody-here": (
        [
            make_service(
                "svc", "172.30.0.41", type="NodePort", node_port=3001, externalTrafficPolicy="Local"
            )
        ],
        [make_slice("svc", THERE)], CONTEXT,
    ),
    "internal-local-policy": (
        [make_service("svc", "172.30.0.41", internalTrafficPolicy="Local")],
        [make_slice("svc", HERE, THERE)], CONTEXT,
    ),
    "internal-local-policy-nobody-here": (
        [make_service("svc", "172.30.0.41", internalTrafficPolicy="Local")], [make_slice("svc", THERE)],
        CONTEXT,
    ),
    "session-affinity": (
        [
            make_service(
                "svc", "172.30.0.41", sessionAffinity="ClientIP",
                sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
            )
        ],
        [make_slice("svc", HERE, THERE)], CONTEXT,
    ),
    "udp-beside-tcp": (
        [
            {
                **make_service("dns", "172.30.0.10"),
                "spec": {
                    "clusterIP": "172.30.0.10",
                    "ports": [
                        {"name": "dns", "port": 53, "protocol": "UDP"},
                        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                    ],
                },
            }
        ],
        [
            make_slice("dns", HERE, name="a", port=53, protocol="UDP", port_name="dns"),
            make_slice("dns", HERE, name="b", port=53, port_name="dns-tcp"),
        ],
        CONTEXT,
    ),
    "external-ip": (
        [make_service("svc", "172.30.0.41", externalIPs=["192.168.99.22"])], [make_slice("svc", HERE)],
        CONTEXT,
    ),
    "load-balancer-with-source-ranges": (
        [
            make_service(
                "svc", "172.30.0.41", type="LoadBalancer", node_port=3001, status=BALANCER,
                loadBalancerSourceRanges=[" 203.0.113.0/25"],
            )
        ],
        [make_slice("svc", HERE)], CONTEXT,
    ),
    "masquerade-all": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", HERE)],
        replace(CONTEXT, masquerade_all=True),
    ),
    "node-port-everywhere": (
        [make_service("svc", "172.30.0.41", type="NodePort", node_port=3001)], [make_slice("svc", HERE)],
        replace(CONTEXT, node_ports_everywhere=True, localhost_node_ports=True),
    ),
    "load-balancer-local-policy": (
        [
            make_service(
                "svc", "172.30.0.41", type="LoadBalancer", node_port=3001, status=BALANCER,
                externalTrafficPolicy="Local", healthCheckNodePort=3002,
            )
        ],
        [make_slice("svc", HERE, THERE)], CONTEXT,
    ),
    "pods-by-bridge": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", HERE)],
        replace(CONTEXT, pods=PodTraffic("interface", "cni0")),
    ),
    "pods-by-prefix": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", HERE)],
        replace(CONTEXT, pods=PodTraffic("interface prefix", "veth")),
    ),
    "pods-unknown": (
        [make_service("svc", "172.30.0.41")], [make_slice("svc", HERE)],
        replace(CONTEXT, pods=None),
    ),
}  # fmt: skip


def check(name: str, backend: Backend, text: str) -> None:
    file = GOLDEN / f"{name}.{backend.mode}"
    if os.environ.get("SAMPAN_UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def test_the_nftables_rules_without_any_service() -> None:
    check("base", NFTABLES, nftables.full_text(ruleset_of([], []), (), "ip"))


def test_the_iptables_rules_without_any_service() -> None:
    check("base", IPTABLES, iptables.full_text(ruleset_of([], [], backend=IPTABLES), {}))


@pytest.mark.parametrize("name", CASES)
def test_the_nftables_rules_of_a_service(name: str) -> None:
    services, slices, context = CASES[name]
    before, after = ruleset_of([], [], context), ruleset_of(services, slices, context)
    check(name, NFTABLES, nftables.changes_text(before, after, "ip"))


@pytest.mark.parametrize("name", CASES)
def test_the_iptables_rules_of_a_service(name: str) -> None:
    services, slices, context = CASES[name]
    before = ruleset_of([], [], context, IPTABLES)
    check(name, IPTABLES, iptables.changes_text(before, ruleset_of(services, slices, context, IPTABLES)))


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(make_service("svc", "None"), id="headless"),
        pytest.param(make_service("svc", "", type="ExternalName"), id="external name"),
        pytest.param(make_service("svc", "fd00::1"), id="only of the other IP family"),
    ],
)
def test_services_without_a_cluster_ip_add_nothing(service: Object) -> None:
    assert ruleset_of([service], [make_slice("svc", HERE)]) == ruleset_of([], [])


def test_a_destination_claimed_twice_stays_with_the_first() -> None:
    both = [make_service(name, f"172.30.0.{n}", externalIPs=["9.9.9.9"]) for n, name in ((1, "a"), (2, "b"))]
    slices = [make_slice("a", HERE), make_slice("b", THERE)]
    verdict = ruleset_of(both, slices).maps["service-ips"].elements["9.9.9.9 . tcp . 80"].verdict
    assert verdict.startswith("goto external-")
    assert "ns/a/tcp" in verdict
    rules = ruleset_of(both, slices, backend=IPTABLES).chains["nat KUBE-SERVICES"].rules
    assert [rule.split('"')[1] for rule in rules if "9.9.9.9" in rule] == [
        "ns/a:p80 external IP", "ns/b:p80 external IP",
    ]  # fmt: skip
