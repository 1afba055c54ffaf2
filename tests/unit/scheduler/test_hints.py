"""Which events wake a pod that a plugin has rejected."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from scheduler.framework.interface import EventKind, Subject
from scheduler.node_info import NodeInfo, parse_node
from scheduler.pod_info import parse_pod
from tests.unit.scheduler.builders import make_cache, make_node, make_pod, make_profile

TAINT = {"key": "a", "effect": "NoSchedule"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
TERM = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}
X = {"app": "x"}
NEAR, FAR = ({which: {REQUIRED: [TERM]}} for which in ("podAffinity", "podAntiAffinity"))
ZONES = {**TERM, "topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
SPREAD = {**TERM, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}


def info(**kwargs: object) -> NodeInfo:
    return NodeInfo("n", parse_node(make_node("n", **kwargs)))  # type: ignore[arg-type]


def node(*, before: NodeInfo | None = None, **kwargs: object) -> Subject:
    return Subject(info(**kwargs), before)


def gone(pod: Object) -> Subject:
    return Subject(old=parse_pod(pod))


def came(pod: Object) -> Subject:
    return Subject(new=parse_pod(pod))


CASES = {
    "a node large enough comes": ("NodeResourcesFit", {"cpu": "2"}, EventKind.NODE_ADD, node(), True),
    "a node too small comes": ("NodeResourcesFit", {"cpu": "8"}, EventKind.NODE_ADD, node(), False),
    "a pod goes": ("NodeResourcesFit", {"cpu": "2"}, EventKind.POD_DELETE, gone(make_pod("q")), True),
    "a label changes where room is short": (
        "NodeResourcesFit", {"cpu": "2"}, EventKind.NODE_LABEL, node(), False,
    ),
    "a taint is taken away": ("TaintToleration", {}, EventKind.NODE_TAINT, node(), True),
    "another taint is put": ("TaintToleration", {}, EventKind.NODE_TAINT, node(taints=[TAINT]), False),
    "a node is uncordoned": ("NodeUnschedulable", {}, EventKind.NODE_TAINT, node(), True),
    "a pod goes, but the taint stays": (
        "TaintToleration", {}, EventKind.POD_DELETE, gone(make_pod("q")), False,
    ),
    "a node gets the label": (
        "NodeAffinity", {"nodeSelector": {"d": "s"}}, EventKind.NODE_LABEL, node(labels={"d": "s"}), True,
    ),
    "a node gets another label": (
        "NodeAffinity", {"nodeSelector": {"d": "s"}}, EventKind.NODE_LABEL, node(labels={"d": "h"}), False,
    ),
    "the holder of the port goes": (
        "NodePorts", {"host_port": 80}, EventKind.POD_DELETE, gone(make_pod("q", host_port=80)), True,
    ),
    "the holder of another port goes": (
        "NodePorts", {"host_port": 80}, EventKind.POD_DELETE, gone(make_pod("q", host_port=81)), False,
    ),
    "a friend comes": (
        "InterPodAffinity", {"affinity": NEAR}, EventKind.POD_ADD, came(make_pod("q", labels={"app": "x"})),
        True,
    ),
    "a stranger comes": (
        "InterPodAffinity", {"affinity": NEAR}, EventKind.POD_ADD, came(make_pod("q")), False,
    ),
    "an enemy goes": (
        "InterPodAffinity", {"affinity": FAR}, EventKind.POD_DELETE, gone(make_pod("q", labels={"app": "x"})),
        True,
    ),
    "one that refused us goes": (
        "InterPodAffinity", {"labels": {"app": "x"}}, EventKind.POD_DELETE,
        gone(make_pod("q", affinity=FAR)), True,
    ),
    "one of those to be spread goes": (
        "PodTopologySpread", {"topologySpreadConstraints": [SPREAD]}, EventKind.POD_DELETE,
        gone(make_pod("q", labels={"app": "x"})), True,
    ),
    "a node has more room than before": (
        "NodeResourcesFit", {"cpu": "2"}, EventKind.NODE_ALLOCATABLE, node(before=info(cpu="3")), True,
    ),
    "a node has less room than before": (
        "NodeResourcesFit", {"cpu": "2"}, EventKind.NODE_ALLOCATABLE, node(before=info(cpu="8")), False,
    ),
    "a node has more of what isn't asked for": (
        "NodeResourcesFit", {"cpu": "2"}, EventKind.NODE_ALLOCATABLE, node(before=info(memory="1Gi")), False,
    ),
    "one of two taints is taken away": (
        "TaintToleration", {}, EventKind.NODE_TAINT, node(taints=[TAINT], before=info(taints=[TAINT, TAINT])),
        False,
    ),
    "a taint is taken away that was tolerated": (
        "TaintToleration", {"tolerations": [{"operator": "Exists"}]}, EventKind.NODE_TAINT,
        node(before=info(taints=[TAINT])), False,
    ),
    "a node that would do gets another label": (
        "NodeAffinity", {"nodeSelector": {"d": "s"}}, EventKind.NODE_LABEL,
        node(labels={"d": "s", "e": "f"}, before=info(labels={"d": "s"})), False,
    ),
    "a node leaves its zone": (
        "PodTopologySpread", {"topologySpreadConstraints": [ZONES]}, EventKind.NODE_LABEL,
        node(before=info(labels={"zone": "a"})), True,
    ),
    "a node moves to another zone": (
        "PodTopologySpread", {"topologySpreadConstraints": [ZONES]}, EventKind.NODE_LABEL,
        node(labels={"zone": "b"}, before=info(labels={"zone": "a"})), True,
    ),
    "a node of a zone gets another label": (
        "PodTopologySpread", {"topologySpreadConstraints": [ZONES]}, EventKind.NODE_LABEL,
        node(labels={"zone": "a", "e": "f"}, before=info(labels={"zone": "a"})), False,
    ),
    "a node outside of zones goes": (
        "PodTopologySpread", {"topologySpreadConstraints": [ZONES]}, EventKind.NODE_DELETE,
        Subject(old_node=info()), False,
    ),
    "a node of a zone goes": (
        "PodTopologySpread", {"topologySpreadConstraints": [ZONES]}, EventKind.NODE_DELETE,
        Subject(old_node=info(labels={"zone": "a"})), True,
    ),
    "one to be spread gets another label": (
        "PodTopologySpread", {"topologySpreadConstraints": [SPREAD]}, EventKind.POD_LABEL,
        Subject(old=parse_pod(make_pod("q", labels=X)), new=parse_pod(make_pod("q", labels={**X, "e": "f"}))),
        False,
    ),
    "another is to be spread, too": (
        "PodTopologySpread", {"topologySpreadConstraints": [SPREAD]}, EventKind.POD_LABEL,
        Subject(old=parse_pod(make_pod("q")), new=parse_pod(make_pod("q", labels=X))), True,
    ),
    "a stranger becomes a friend": (
        "InterPodAffinity", {"affinity": NEAR}, EventKind.POD_LABEL,
        Subject(old=parse_pod(make_pod("q")), new=parse_pod(make_pod("q", labels=X))), True,
    ),
    "a friend gets another label": (
        "InterPodAffinity", {"affinity": NEAR}, EventKind.POD_LABEL,
        Subject(old=parse_pod(make_pod("q", labels=X)), new=parse_pod(make_pod("q", labels={**X, "e": "f"}))),
        False,
    ),
    "an enemy becomes a stranger": (
        "InterPodAffinity", {"affinity": FAR}, EventKind.POD_LABEL,
        Subject(old=parse_pod(make_pod("q", labels=X)), new=parse_pod(make_pod("q"))), True,
    ),
    "a friend of one term of two comes": (
        "InterPodAffinity", {"affinity": {"podAffinity": {REQUIRED: [TERM, {**TERM, "labelSelector": {
            "matchLabels": {"y": "z"}}}]}}}, EventKind.POD_ADD, came(make_pod("q", labels=X)), False,
    ),
    "a node comes that may have the disk free": ("VolumeRestrictions", {}, EventKind.NODE_ADD, node(), True),
    "one of others goes": (
        "PodTopologySpread", {"topologySpreadConstraints": [SPREAD]}, EventKind.POD_DELETE,
        gone(make_pod("q")), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("plugin", "pod", "kind", "subject", "helps"), CASES.values(), ids=CASES.keys())
def test_an_event_wakes_a_pod_if_it_concerns_the_plugin_that_rejected_it(
    plugin: str, pod: Object, kind: EventKind, subject: Subject, helps: bool
) -> None:
    profile = make_profile(make_cache())
    assert profile.may_help(parse_pod(make_pod("p", **pod)), [plugin], [kind], subject) is helps
