"""What is wrong with the cluster itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubeadm.inspection import CertificateFacts, Inspection, ProcessFacts, last_words, recent_crashes
from kubectl.evidence.asker import ABSENT
from kubectl.evidence.daemons import hosts_of
from kubectl.why.rules.cluster import ClusterFacts, cluster, summary
from kubectl.why.rules.nodes import NodeFacts
from tests.unit.kubectl.why.builders import NOW, STALE, make_lease, make_node

LEASES = {name: make_lease(name=name) for name in ("kube-scheduler", "kube-controller-manager")}


def facts(**parts: Any) -> ClusterFacts:
    node = NodeFacts(make_node(), make_lease(name="n1"), NOW)
    defaults: dict[str, Any] = {"server": "https://a:6443", "now": NOW, "leases": LEASES, "nodes": [node]}
    return ClusterFacts(**(defaults | parts))


def here(*processes: ProcessFacts, running: bool = True, ends: timedelta | None = None) -> Inspection:
    certificates = [] if ends is None else [CertificateFacts("/pki/a.crt", NOW + ends)]
    return Inspection("supervisor", running, processes, certificates)


def process(pid: int = 7, **fields: Any) -> ProcessFacts:
    return ProcessFacts("kubelet", pid, "/log/kubelet.log", **fields)


@pytest.mark.parametrize(
    ("facts", "headlines", "command"),
    [
        pytest.param(facts(), [], "", id="well"),
        pytest.param(
            facts(unreachable="connection refused"),
            ["the API server at https://a:6443 does not answer: connection refused"],
            "sampan status",
            id="no answer",
        ),
        pytest.param(
            facts(unreachable="connection refused", local=here(running=False)),
            ["the API server at https://a:6443 does not answer: connection refused"],
            "sampan up",
            id="nothing runs",
        ),
        pytest.param(
            facts(failed_checks=["etcd"]),
            ["the API server cannot reach etcd: failed checks are etcd"],
            "sampan status",
            id="no store",
        ),
        pytest.param(
            facts(store_seconds=1.25), ["etcd is slow: it takes 1.2 s to tell its revision"], "sampan doctor",
            id="a slow store",
        ),
        pytest.param(
            facts(leases={**LEASES, "kube-scheduler": make_lease(STALE)}),
            ["kube-scheduler has not renewed its lease for 120 s: no pod gets a node"],
            "sampan status",
            id="no scheduler",
        ),
        pytest.param(
            facts(leases={**LEASES, "kube-controller-manager": ABSENT}),
            ["kube-controller-manager has no lease: nothing is made or cleaned up"],
            "sampan status",
            id="no controller-manager",
        ),
        pytest.param(
            facts(nodes=[NodeFacts(make_node(), make_lease(STALE, name="n1"), NOW)]),
            ["the kubelet of node n1 is silent: it has not renewed its lease for 120 s"],
            "sampan status",
            id="a silent kubelet",
        ),
        pytest.param(
            facts(silent_proxies=["n1", "n2"]),
            ["kube-proxy does not answer on n1, n2: rules of Services stay there as they were"],
            "sampan status",
            id="no proxy",
        ),
        pytest.param(
            facts(local=here(process(0, last_words="no such flag"))), ["kubelet is down"],
            "tail /log/kubelet.log", id="a process is down",
        ),
        pytest.param(
            facts(local=here(process(crashes=5, last_words="no such flag"))),
            ["kubelet crashes again and again, 5 times in two minutes: no such flag"],
            "tail /log/kubelet.log", id="a process crashes",
        ),
        pytest.param(
            facts(local=here(process(is_stopped=True)), silent_proxies=["n1"]),
            ["kubelet (process 7) was stopped by a signal and does nothing",
             "kube-proxy does not answer on n1: rules of Services stay there as they were"],
            "kill -CONT 7", id="a cause before its consequences",
        ),
        pytest.param(
            facts(local=here(ends=timedelta(days=12))),
            ["certificate /pki/a.crt ends in 12 days"], "sampan up", id="a certificate near its end",
        ),
        pytest.param(facts(local=here(process(), ends=timedelta(days=90))), [], "", id="all well here"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_cluster(facts: ClusterFacts, headlines: list[str], command: str) -> None:
    found = cluster(facts)
    assert [each.headline for each in found] == headlines
    assert (found[0].fix.command if found and found[0].fix else "") == command


def test_pods_that_are_not_well_are_told_of() -> None:
    assert summary(facts(pods=3, unwell=["shop/a", "shop/b"])) == (
        "1 node ready, 3 pods, of which 2 are not well: shop/a, shop/b"
    )


def test_crashes_are_counted_while_they_are_news() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0).astimezone()
    log = "\n".join(
        [
            "2026-01-01T11:00:00 kubelet ended with 1",
            "2026-01-01T11:59:00 kubelet ended with -9",
            "2026-01-01T11:59:30 kubelet ended with 1",
            "2026-01-01T11:59:31 etcd ended with 2",
            "something else",
        ]
    )  # fmt: skip
    assert recent_crashes(log, now.astimezone(UTC)) == {"kubelet": 2, "etcd": 1}


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param("I1 fine\nE0101 12:00:00 no\nI1 bye\n", "E0101 12:00:00 no", id="a line of trouble"),
        pytest.param("I1 hello\nI1 bye\n\n", "I1 bye", id="the last line"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_last_words(log: str, expected: str) -> None:
    assert last_words(log) == expected


HOLLOW = {"sampan.io/hollow": "true"}
MASTER = {"node-role.kubernetes.io/control-plane": ""}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([make_node("a"), make_node("vm")], ["vm"], id="by its name"),
        pytest.param(
            [make_node("a"), make_node("b", labels={"kubernetes.io/hostname": "vm"})],
            ["b"],
            id="by its label",
        ),
        pytest.param([make_node("a"), make_node("b", labels=MASTER)], ["b"], id="a control plane"),
        pytest.param([make_node("a"), make_node("h", labels=HOLLOW)], ["a"], id="any, but for hollow ones"),
    ],
)
def test_where_a_leader_may_run(nodes: list[Any], expected: list[str]) -> None:
    assert hosts_of(make_lease(holder="vm_45c6"), nodes) == expected
