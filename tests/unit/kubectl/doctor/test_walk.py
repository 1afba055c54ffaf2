"""The cluster walk: DNS hop by hop, the store, clocks and certificates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kubeadm.findings import Finding, Level, error, ok, warning
from kubeadm.inspection import CertificateFacts, Inspection
from kubectl.doctor import cluster, dns
from kubectl.doctor.dns import DnsFacts
from kubectl.doctor.etcd import EtcdFacts, etcd, parse_metrics
from kubectl.doctor.gather import ready_endpoints
from kubectl.doctor.report import is_healthy, render
from kubectl.why.rules.cluster import ClusterFacts
from kubectl.why.rules.nodes import NodeFacts
from tests.unit.kubectl.why.builders import NOW, STALE, make_lease, make_node

SERVER, SERVICE = ("192.0.2.2", 10053), ("10.96.0.10", 53)
GOOD: dict[str, Any] = {
    "service": {"spec": {"clusterIP": "10.96.0.10"}},
    "pods_ask": ["10.96.0.10"],
    "endpoints": [SERVER],
    "programmed": {"n1": True},
    "expected": "10.96.0.1",
    "answers": {SERVER: "10.96.0.1", SERVICE: "10.96.0.1"},
}


@pytest.mark.parametrize(
    ("change", "hops", "level", "text"),
    [
        pytest.param(
            {},
            6,
            Level.OK,
            "10.96.0.10:53 says of kubernetes.default.svc.cluster.local: 10.96.0.1",
            id="all the way",
        ),
        pytest.param(
            {"service": {}}, 1, Level.WARNING, "there is no Service kube-system/kube-dns", id="no DNS"
        ),
        pytest.param(
            {"pods_ask": ["10.0.0.10"]},
            2,
            Level.ERROR,
            "pods ask 10.0.0.10, but the Service's address is 10.96.0.10",
            id="pods ask somebody else",
        ),
        pytest.param(
            {"endpoints": []},
            3,
            Level.ERROR,
            "Service kube-dns has no endpoint that is ready",
            id="no server",
        ),
        pytest.param(
            {"programmed": {"n1": True, "n2": False}},
            4,
            Level.ERROR,
            "kube-proxy on n2 has not programmed the way to 10.96.0.10",
            id="no rules",
        ),
        pytest.param(
            {"answers": {SERVER: "no answer"}},
            5,
            Level.ERROR,
            "192.0.2.2:10053 says of kubernetes.default.svc.cluster.local: no answer",
            id="silent",
        ),
        pytest.param(
            {"answers": {SERVER: "10.96.0.1", SERVICE: "no answer"}},
            6,
            Level.ERROR,
            "10.96.0.10:53 says of kubernetes.default.svc.cluster.local: no answer",
            id="dropped",
        ),
        pytest.param({"answers": None}, 6, Level.UNKNOWN, "can only be asked from a node", id="from afar"),
        pytest.param(
            {"pods_ask": None, "programmed": {}},
            6,
            Level.OK,
            "10.96.0.10:53 says of",
            id="daemons that tell nothing",
        ),
    ],
)
def test_the_first_broken_hop_ends_the_walk(
    change: dict[str, Any], hops: int, level: Level, text: str
) -> None:
    found = dns.walk(DnsFacts(**(GOOD | change)))
    assert (len(found), found[-1].level) == (hops, level)
    assert found[-1].text.startswith(text)


def test_questions_go_to_endpoints_that_are_ready() -> None:
    ports = [{"port": 53, "protocol": "TCP"}, {"port": 10053, "protocol": "UDP"}]
    endpoints = [{"addresses": ["a"], "conditions": {"ready": True}},
                 {"addresses": ["b"], "conditions": {"ready": False}}]  # fmt: skip
    assert list(ready_endpoints([{"ports": ports, "endpoints": endpoints}])) == [("a", 10053)]


MIB = 1 << 20
METRICS = """\
# HELP etcd_server_has_leader Whether or not a leader exists. 1 is existence, 0 is not.
# TYPE etcd_server_has_leader gauge
etcd_server_has_leader 1
etcd_mvcc_db_total_size_in_bytes 2.097152e+06
etcd_mvcc_db_total_size_in_use_in_bytes 1.048576e+06
etcd_server_quota_backend_bytes 8.589934592e+09
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 3
etcd_disk_wal_fsync_duration_seconds_sum 0.5
etcd_disk_wal_fsync_duration_seconds_count 100
"""


def test_etcds_metrics_are_read() -> None:
    assert parse_metrics(METRICS) == EtcdFacts(True, 2 * MIB, MIB, 8192 * MIB, 0.005)


@pytest.mark.parametrize(
    ("facts", "level", "text"),
    [
        pytest.param(EtcdFacts(True, MIB, MIB, 100 * MIB, 0.002), Level.OK, "1 of 100 MiB", id="well"),
        pytest.param(
            EtcdFacts(False, MIB, MIB, 100 * MIB, 0.002), Level.ERROR, "it has no leader", id="no leader"
        ),
        pytest.param(
            EtcdFacts(True, 90 * MIB, MIB, 100 * MIB, 0.002), Level.ERROR, "it is nearly full", id="full"
        ),
        pytest.param(
            EtcdFacts(True, 200 * MIB, 50 * MIB, 8192 * MIB, 0.002),
            Level.WARNING,
            "only 50 of 200 MiB are in use",
            id="fragmented",
        ),
        pytest.param(
            EtcdFacts(True, MIB, MIB, 100 * MIB, 0.05),
            Level.WARNING,
            "its disk takes 50 ms to sync",
            id="a slow disk",
        ),
        pytest.param(None, Level.UNKNOWN, "it can only be asked on its own machine", id="not here"),
    ],
)
def test_the_store_is_judged(facts: EtcdFacts | None, level: Level, text: str) -> None:
    found = next(iter(etcd(facts)))
    assert found.level is level
    assert found.text.startswith(text)


LEASES = {name: make_lease(name=name) for name in ("kube-scheduler", "kube-controller-manager")}
AHEAD = "2026-01-01T12:01:00.000000Z"


def walked(days: float = 300, **parts: Any) -> list[Finding]:
    local = Inspection("supervisor", True, (), [CertificateFacts("/a.crt", NOW + timedelta(days=days))])
    node = NodeFacts(make_node(), make_lease(parts.pop("renewed", make_lease()["spec"]["renewTime"])), NOW)
    facts: dict[str, Any] = {
        "server": "https://a", "now": NOW, "leases": LEASES, "nodes": [node], "local": local,
    }  # fmt: skip
    return list(cluster.walk(ClusterFacts(**(facts | parts))))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, [], id="well"),
        pytest.param(
            {"renewed": AHEAD}, ["the clock of node n1 is 60 s ahead of this machine's"], id="a clock"
        ),
        pytest.param(
            {"renewed": STALE},
            ["the kubelet of node n1 is silent: it has not renewed its lease for 120 s"],
            id="what why says",
        ),
        pytest.param({"days": 12}, ["/a.crt ends in 12 days"], id="a certificate"),
        pytest.param(
            {"unreachable": "refused"},
            ["the API server at https://a does not answer: refused"],
            id="nobody there",
        ),
    ],
)
def test_the_cluster_is_walked(parts: dict[str, Any], expected: list[str]) -> None:
    assert [each.text for each in walked(**parts) if each.level is not Level.OK] == expected


def test_warnings_are_no_illness_and_each_finding_has_its_fix() -> None:
    parts = {"host": [ok("kernel", "new"), warning("clock", "slow", "wind it up", "wind")]}
    assert is_healthy(parts)
    assert not is_healthy({"host": [error("disk", "full", "make room")]})
    assert render(parts) == (
        "host\n"
        "  ok       kernel  new\n"
        "  warning  clock   slow\n"
        "                   fix: wind it up\n"
        "                   $ wind\n"
    )
