"""Where a DaemonSet's pods belong and what to do about it, as tables."""

from datetime import timedelta
from typing import Any

import pytest

from apimachinery.objects import Object, labels_of
from controller_manager.daemon_set.failures import Failures
from controller_manager.daemon_set.placement import Nodes, new_pod, node_of, place
from controller_manager.daemon_set.plan import Daemons, by_node, plan_pods, plan_update
from controller_manager.daemon_set.status import calculate_status
from tests.unit.controller_manager.builders import NOW, ago, make_daemon_set, make_node, make_pod

SURGE = {"rolling": {"maxSurge": 1, "maxUnavailable": 0}}


def taint(key: str, effect: str) -> Object:
    return {"key": key, "effect": effect}


def selecting(**spec: Any) -> Object:
    it = make_daemon_set()
    it["spec"]["template"]["spec"] |= spec
    return it


def required(**term: Any) -> Object:
    terms = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


ANYTHING = {"operator": "Exists"}
NO_NETWORK = taint("node.kubernetes.io/network-unavailable", "NoSchedule")
ON_SSD = required(matchExpressions=[{"key": "disk", "operator": "In", "values": ["ssd"]}])


@pytest.mark.parametrize(
    ("owner", "node", "wanted", "tolerable"),
    [
        (selecting(), make_node("n"), True, True),
        (selecting(nodeName="n"), make_node("n"), True, True),
        (selecting(nodeName="m"), make_node("n"), False, False),
        (selecting(nodeSelector={"disk": "ssd"}), make_node("n"), False, False),
        (selecting(nodeSelector={"disk": "ssd"}), make_node("n", disk="ssd"), True, True),
        (selecting(affinity=ON_SSD), make_node("n", disk="hdd"), False, False),
        (selecting(affinity=ON_SSD), make_node("n", disk="ssd"), True, True),
        (selecting(), make_node("n", taint("gpu", "NoSchedule")), False, True),
        (selecting(), make_node("n", taint("gpu", "NoExecute")), False, False),
        (selecting(), make_node("n", taint("gpu", "PreferNoSchedule")), True, True),
        (selecting(tolerations=[ANYTHING]), make_node("n", taint("a", "NoExecute")), True, True),
        (selecting(), make_node("n", taint("node.kubernetes.io/not-ready", "NoExecute")), True, True),
        (selecting(), make_node("n", taint("node.kubernetes.io/unschedulable", "NoSchedule")), True, True),
        (selecting(), make_node("n", NO_NETWORK), False, True),
        (selecting(hostNetwork=True), make_node("n", NO_NETWORK), True, True),
    ],
)  # fmt: skip
def test_nodes_that_are_a_daemon_sets(owner: Object, node: Object, wanted: bool, tolerable: bool) -> None:
    found = place(owner, [node])
    assert ("n" in found.wanted, "n" in found.tolerable) == (wanted, tolerable)


def test_a_pod_is_for_one_node_and_tolerates_what_daemons_do() -> None:
    owner = selecting(affinity=ON_SSD, tolerations=[{"key": "gpu", "operator": "Exists"}])
    owner["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "3"}
    pod = new_pod(owner, "n7", "h")
    assert labels_of(pod) == {"app": "agent", "controller-revision-hash": "h", "pod-template-generation": "3"}
    field = {"key": "metadata.name", "operator": "In", "values": ["n7"]}
    assert pod["spec"]["affinity"] == required(matchFields=[field])
    assert [each["key"].rpartition("/")[2] for each in pod["spec"]["tolerations"]] == [
        "gpu", "not-ready", "unreachable",
        "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable",
    ]  # fmt: skip
    assert node_of(pod) == "n7"
    assert node_of(make_pod("a", node="n1")) == "n1"


def daemons(text: str, owner: dict[str, Any], wanted: str = "a b c", tolerable: str = "") -> Daemons:
    """`a:new b:old- c:newx`: a pod on node a, ...; marks as in `mark`."""
    pods = [mark(index, word) for index, word in enumerate(text.split())]
    nodes = Nodes(frozenset(wanted.split()), frozenset([*wanted.split(), *tolerable.split()]))
    return Daemons(make_daemon_set(**owner), nodes, by_node(pods), "new", NOW)


def mark(index: int, word: str) -> Object:
    """`-` unready, `x` terminating, `!` failed, `.` succeeded, `?` not bound yet."""
    node, _, rest = word.partition(":")
    revision, sign = rest.rstrip("-x!.?"), rest[-1]
    pod = make_pod(f"{node}{index}", node=node, ready=None if sign in "-!.?" else 3600, created=1000 - index)
    pod["status"]["phase"] = {"!": "Failed", ".": "Succeeded", "?": "Pending"}.get(sign, "Running")
    pod["metadata"]["labels"] = {"controller-revision-hash": revision}
    if sign == "x":
        pod["metadata"]["deletionTimestamp"] = ago(1)
    if sign == "?":
        pod["spec"] = new_pod(make_daemon_set(), node, revision)["spec"]
    return pod


@pytest.mark.parametrize(
    ("owner", "seen", "plan"),
    [
        ({}, "", "create=a,b,c"),
        ({}, "a:new b:new- c:newx", ""),
        ({}, "a:new b:new", "create=c"),
        ({}, "a:new b:new c:new d:new e:newx", "delete=d3"),
        ({}, "a:new b:new c:new t:new", ""),
        ({}, "a:new b:new c:new gone:new lost:new?", "delete=lost4"),
        ({}, "a:new a:new b:new c:new", "delete=a1"),
        ({}, "a:new? a:new b:new c:new", "delete=a0"),
        ({}, "a:new! b:new. c:new", "delete=a0,b1"),
        # with surge two may be on a node for a while
        (SURGE, "a:newx b:new c:new", "create=a"),
        (SURGE, "a:old a:new- b:new c:new", ""),
        (SURGE, "a:old- a:new- b:new c:new", "delete=a0"),
        (SURGE, "a:old a:new b:new c:new", "delete=a0"),
        (SURGE, "a:old a:old a:new- b:new c:new", "delete=a1"),
    ],
)  # fmt: skip
def test_one_pod_on_each_wanted_node(owner: dict[str, Any], seen: str, plan: str) -> None:
    it = daemons(seen, owner, tolerable="t")
    assert repr(plan_pods(it, {"a", "b", "c", "d", "e", "t"}, lambda node: 0.0)) == plan


def test_a_pod_that_failed_again_stays_for_a_while() -> None:
    plan = plan_pods(daemons("a:new! b:new! c:new", {}), {"a", "b", "c"}, {"a": 4.0, "b": 3.0}.__getitem__)
    assert (repr(plan), plan.wait) == ("", 3.0)


@pytest.mark.parametrize(
    ("owner", "seen", "plan"),
    [
        ({}, "a:old b:old c:old", "delete=a0"),
        ({}, "a:oldx b:old c:old", ""),
        ({}, "a:new- b:old c:old", ""),
        ({}, "b:old c:old", ""),
        ({}, "a:old b:old- c:old", "delete=b1"),
        ({"rolling": {"maxUnavailable": 2}}, "a:old b:old- c:old", "delete=a0,b1"),
        ({}, "a:new- b:old- c:old", "delete=b1"),
        ({}, "a:new b:old c:old", "delete=b1"),
        ({"rolling": {"maxUnavailable": 2}}, "a:old b:old c:old", "delete=a0,b1"),
        ({"rolling": {"maxUnavailable": "50%"}}, "a:old b:old c:old", "delete=a0,b1"),
        ({"rolling": {"maxUnavailable": 0, "maxSurge": 0}}, "a:old b:old c:old", "delete=a0"),
        ({"minReadySeconds": 7200}, "a:new b:old c:new", "delete=b1"),
        (SURGE, "a:old b:old c:old", "create=a"),
        (SURGE, "a:old a:new- b:old c:old", ""),
        (SURGE, "a:old a:new b:old c:old", "create=b delete=a0"),
        (SURGE, "a:old a:new- b:old- c:old", "create=b"),
        ({"rolling": {"maxSurge": "100%"}}, "a:old b:old c:old", "create=a,b,c"),
        (SURGE, "a:new b:new c:new", ""),
        (SURGE, "a:new b:new c:new t:old", "delete=t3"),
        (SURGE, "a:new b:new c:new- t:old", ""),
        (SURGE, "a:new b:new c:new- t:old-", "delete=t3"),
    ],
)
def test_an_update_keeps_to_its_bounds(owner: dict[str, Any], seen: str, plan: str) -> None:
    assert repr(plan_update(daemons(seen, owner, tolerable="t"))) == plan


def test_a_pod_of_the_same_template_generation_is_updated_whatever_its_hash() -> None:
    it = daemons("a:old", {})
    it.owner["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "2"}
    it.pods["a"][0]["metadata"]["labels"]["pod-template-generation"] = "2"
    assert it.is_updated(it.pods["a"][0])


def test_status_counts_nodes() -> None:
    it = daemons("a:old b:new- d:new", {})
    assert calculate_status(it, 0) == {
        "observedGeneration": 1,
        "desiredNumberScheduled": 3,
        "currentNumberScheduled": 2,
        "numberMisscheduled": 1,
        "numberReady": 1,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
        "numberUnavailable": 2,
    }


def test_failures_double_the_wait_and_are_forgotten_in_the_end() -> None:
    failures = Failures()
    waits = []
    for _ in range(12):
        failures.note("a", NOW)
        waits.append(failures.remaining("a", NOW))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert failures.remaining("a", NOW + timedelta(seconds=899)) == 1
    failures.note("a", NOW + timedelta(hours=1))
    assert failures.remaining("a", NOW + timedelta(hours=1)) == 1
    assert failures.remaining("b", NOW) == 0
