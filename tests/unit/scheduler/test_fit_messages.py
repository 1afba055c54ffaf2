"""Why a pod can't be scheduled, in upstream's words."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from scheduler.pod_info import parse_pod
from scheduler.selection import Rejected
from tests.unit.scheduler.builders import make_cache, make_node, make_pod, make_profile, make_selector

TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
ONE_APP = {"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": "kubernetes.io/hostname"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
SPREAD = {
    "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "a"}},
}  # fmt: skip


def named(node: str) -> Object:
    return {"key": "metadata.name", "operator": "In", "values": [node]}


def node_affinity(**term: object) -> Object:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}


CASES: dict[str, tuple[list[Object], list[Object], Object, str]] = {
    "no nodes at all": ([], [], make_pod("p"), "no nodes available to schedule pods"),
    "too little cpu and a taint": (
        [make_node("a", cpu="1"), make_node("b", taints=[TAINT])],
        [],
        make_pod("p", cpu="2"),
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).",
    ),
    "two resources short on one node": (
        [make_node("a", cpu="1", memory="1Gi")],
        [],
        make_pod("p", cpu="2", memory="2Gi"),
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.",
    ),
    "an extended resource nobody has": (
        [make_node("a")],
        [],
        make_pod("p", containers=[{"name": "c", "resources": {"requests": {"example.com/gpu": "1"}}}]),
        "0/1 nodes are available: 1 Insufficient example.com/gpu.",
    ),
    "as many pods as allowed": (
        [make_node("a", pods="1")],
        [make_pod("q", node="a")],
        make_pod("p"),
        "0/1 nodes are available: 1 Too many pods.",
    ),
    "cordoned": (
        [make_node("a", unschedulable=True)],
        [],
        make_pod("p"),
        "0/1 nodes are available: 1 node(s) were unschedulable.",
    ),
    "a taint without a value": (
        [make_node("a", taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}])],
        [],
        make_pod("p"),
        "0/1 nodes are available: 1 node(s) had untolerated taint(s).",
    ),
    "nodeSelector without a match": (
        [make_node("a")],
        [],
        make_pod("p", nodeSelector={"disk": "ssd"}),
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ),
    "affinity by label without a match": (
        [make_node("a")],
        [],
        make_pod("p", affinity=node_affinity(matchExpressions=[{"key": "x", "operator": "Exists"}])),
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ),
    "a daemon's pod whose node is full": (
        [make_node("a", cpu="1"), make_node("b"), make_node("c")],
        [],
        make_pod(
            "p",
            cpu="2",
            affinity=node_affinity(matchFields=[named("a")]),
        ),
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    ),
    "affinity terms that no node can meet": (
        [make_node("a"), make_node("b")],
        [],
        make_pod("p", affinity=node_affinity(matchFields=[named("a"), named("b")])),
        "0/2 nodes are available: pod affinity terms conflict.",
    ),
    "a host port that is taken": (
        [make_node("a")],
        [make_pod("q", node="a", host_port=80)],
        make_pod("p", host_port=80),
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    ),
    "a hard constraint on a label no node has": (
        [make_node("a")],
        [],
        make_pod("p", topologySpreadConstraints=[SPREAD]),
        "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints "
        "(missing required label).",
    ),
    "too many of its kind in the only zone with room": (
        [make_node("a", labels={"zone": "1"}), make_node("b", labels={"zone": "2"}, unschedulable=True)],
        [make_pod("q", node="a", labels={"app": "a"})],
        make_pod("p", labels={"app": "a"}, topologySpreadConstraints=[SPREAD]),
        "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, "
        "1 node(s) were unschedulable.",
    ),
    "nobody to be near to": (
        [make_node("a")],
        [],
        make_pod("p", affinity={"podAffinity": {REQUIRED: [ONE_APP]}}),
        "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
    ),
    "somebody to keep away from": (
        [make_node("a")],
        [make_pod("q", node="a", labels={"app": "a"})],
        make_pod("p", affinity={"podAntiAffinity": {REQUIRED: [ONE_APP]}}),
        "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    ),
    "somebody to keep away from in a namespace nobody has told of yet": (
        [make_node("a")],
        [make_pod("q", node="a", namespace="new", labels={"app": "a"})],
        make_pod("p", affinity={"podAntiAffinity": {REQUIRED: [{**ONE_APP, "namespaceSelector": {}}]}}),
        "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    ),
    "somebody who wants to be alone": (
        [make_node("a")],
        [make_pod("q", node="a", affinity={"podAntiAffinity": {REQUIRED: [ONE_APP]}})],
        make_pod("p", labels={"app": "a"}),
        "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    ),
}


@pytest.mark.parametrize("many_nodes", [50, 0], ids=["one by one", "all at once"])
@pytest.mark.parametrize(("nodes", "pods", "pod", "message"), CASES.values(), ids=CASES.keys())
def test_a_pod_that_fits_nowhere_is_told_why(
    nodes: list[Object], pods: list[Object], pod: Object, message: str, many_nodes: int
) -> None:
    cache = make_cache(nodes, pods)
    outcome = make_selector(cache, many_nodes=many_nodes).select(parse_pod(pod), make_profile(cache))
    assert isinstance(outcome, Rejected)
    assert outcome.error.message() == message


def test_what_preemption_says_comes_last() -> None:
    cache = make_cache([make_node("a", cpu="1")])
    outcome = make_selector(cache).select(parse_pod(make_pod("p", cpu="2")), make_profile(cache))
    assert isinstance(outcome, Rejected)
    why = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    assert outcome.error.message(why) == f"0/1 nodes are available: 1 Insufficient cpu. {why}"
