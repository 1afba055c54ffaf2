"""Node IPAM, node life cycle, taint eviction and pod garbage collection: their planners as tables."""

import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest

from controller_manager import node_ipam, node_lifecycle_plan, node_ttl, pod_gc, taint_eviction

Object = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "2026-01-01T00:00:00Z"


ALL, HOLE = [f"10.244.{number}.0/24" for number in range(256)], "10.244.200.0/24"


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param([], "10.244.0.0/24", id="the first"),
        pytest.param(["10.244.0.0/24"], "10.244.1.0/24", id="the next"),
        pytest.param(["10.244.0.0/23"], "10.244.2.0/24", id="not one inside a bigger one"),
        pytest.param(["10.244.0.0/16"], None, id="none left"),
        pytest.param(["192.168.0.0/24", "10.0.0.0/9"], "10.244.0.0/24", id="others' ranges do not matter"),
        pytest.param(["10.0.0.0/8"], None, id="nothing within a bigger range"),
        pytest.param(["10.244.0.64/26", "fd00::/64"], "10.244.1.0/24", id="not one with a smaller one in it"),
        pytest.param([each for each in ALL if each != HOLE], HOLE, id="the hole that a node has left"),
        pytest.param(ALL, None, id="each is taken"),
    ],
)
def test_a_node_gets_a_free_subnet(used: list[str], expected: str | None) -> None:
    subnets = node_ipam.Subnets(ipaddress.ip_network("10.244.0.0/16"), 24)
    for text in used:
        subnets.take(ipaddress.ip_network(text))
    found = subnets.allocate()
    assert (str(found) if found else None) == expected


def test_a_subnet_that_was_left_rests_until_the_others_are_used_up() -> None:
    subnets = node_ipam.Subnets(ipaddress.ip_network("10.244.0.0/22"), 24)
    first = subnets.allocate()
    assert first is not None
    subnets.release(first)
    rest = [str(subnets.allocate()) for _ in range(4)]
    assert rest == ["10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24", "10.244.0.0/24"]
    assert subnets.allocate() is None


def test_a_subnet_that_two_nodes_claim_is_free_when_both_have_left() -> None:
    subnets = node_ipam.Subnets(ipaddress.ip_network("10.244.0.0/24"), 24)
    whole = ipaddress.ip_network("10.244.0.0/24")
    subnets.take(whole)
    subnets.take(whole)
    subnets.release(whole)
    assert subnets.allocate() is None
    subnets.release(whole)
    assert subnets.allocate() == whole


def node(ready: str, **spec: Any) -> Object:
    conditions = [{"type": "Ready", "status": ready, "lastHeartbeatTime": TEXT}]
    return {
        "metadata": {"name": "n", "creationTimestamp": TEXT},
        "spec": spec,
        "status": {"conditions": conditions},
    }


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(node("True"), [], id="ready"),
        pytest.param(
            node("False"),
            ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"],
            id="not ready",
        ),
        pytest.param(
            node("Unknown"),
            ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
            id="silent",
        ),
        pytest.param(
            node("True", unschedulable=True), ["node.kubernetes.io/unschedulable:NoSchedule"], id="cordoned"
        ),
    ],
)
def test_conditions_become_taints(seen: Object, expected: list[str]) -> None:
    assert [f"{key}:{effect}" for key, effect in node_lifecycle_plan.wanted_taints(seen)] == expected


def test_others_taints_stay_and_only_no_execute_is_timed() -> None:
    theirs = {"key": "gpu", "effect": "NoSchedule"}
    wanted = node_lifecycle_plan.wanted_taints(node("Unknown"))
    planned = node_lifecycle_plan.plan_taints([theirs], wanted, TEXT)
    assert planned == [
        theirs,
        {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": TEXT},
    ]
    assert node_lifecycle_plan.plan_taints(planned, wanted, TEXT) is None
    assert node_lifecycle_plan.plan_taints(planned, [], TEXT) == [theirs]


def test_a_silent_nodes_conditions_become_unknown_once() -> None:
    changed = node_lifecycle_plan.unknown_conditions(node("True"), TEXT)
    assert {each["type"]: (each["status"], each["reason"]) for each in changed} == {
        "Ready": ("Unknown", "NodeStatusUnknown"),
        "MemoryPressure": ("Unknown", "NodeStatusNeverUpdated"),
        "DiskPressure": ("Unknown", "NodeStatusNeverUpdated"),
        "PIDPressure": ("Unknown", "NodeStatusNeverUpdated"),
    }


@pytest.mark.parametrize(
    ("nodes", "before", "after"),
    [
        pytest.param(1, 0, 0, id="small"),
        pytest.param(101, 0, 1, id="larger"),
        pytest.param(95, 1, 1, id="not back at once"),
        pytest.param(89, 1, 0, id="back"),
        pytest.param(5000, 0, 4, id="several steps up"),
        pytest.param(1, 4, 0, id="several steps down"),
    ],
)
def test_more_nodes_let_kubelets_remember_longer(nodes: int, before: int, after: int) -> None:
    assert node_ttl.step_for(nodes, before) == after


TAINT = {"key": "k", "effect": "NoExecute", "timeAdded": TEXT}


@pytest.mark.parametrize(
    ("taints", "tolerations", "expected"),
    [
        pytest.param([], [], None, id="no taint"),
        pytest.param([TAINT | {"effect": "NoSchedule"}], [], None, id="NoSchedule evicts nobody"),
        pytest.param([TAINT], [], 0, id="not tolerated"),
        pytest.param([TAINT], [{"operator": "Exists"}], None, id="tolerated for ever"),
        pytest.param(
            [TAINT], [{"key": "k", "operator": "Exists", "tolerationSeconds": 300}], 300, id="for a time"
        ),
        pytest.param(
            [TAINT], [{"key": "k", "operator": "Exists", "tolerationSeconds": -5}], 0, id="less than none"
        ),
        pytest.param(
            [TAINT, TAINT | {"key": "l"}],
            [{"key": "k", "tolerationSeconds": 9}, {"key": "l", "tolerationSeconds": 3}],
            3,
            id="the shorter of two",
        ),
        pytest.param(
            [TAINT, TAINT | {"key": "l"}], [{"key": "k", "tolerationSeconds": 9}], 0, id="one of two"
        ),
    ],
)
def test_taints_are_tolerated(taints: list[Object], tolerations: list[Object], expected: int | None) -> None:
    assert taint_eviction.tolerated_for(taints, tolerations) == expected


def pod(name: str, phase: str = "Running", on: str = "n1", reason: str = "", **metadata: Any) -> Object:
    status = {"phase": phase, "reason": reason}
    return {"metadata": {"name": name, **metadata}, "spec": {"nodeName": on}, "status": status}


OUT_OF_SERVICE = [{"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}]
GOING = {"deletionTimestamp": TEXT}


@pytest.mark.parametrize(
    ("pods", "seen", "lost", "threshold", "expected"),
    [
        pytest.param([pod("a"), pod("b", "Failed")], node("True"), set(), 1, [], id="under the threshold"),
        pytest.param([pod("b", "Failed")], node("True"), set(), 0, [], id="no threshold"),
        pytest.param(
            [pod("a", "Failed", creationTimestamp="2"), pod("b", "Succeeded", creationTimestamp="1")],
            node("True"),
            set(),
            1,
            [("b", "terminated")],
            id="the oldest over the threshold",
        ),
        pytest.param(
            [
                pod("a", "Failed", creationTimestamp="1"),
                pod("b", "Failed", reason="Evicted", creationTimestamp="2"),
            ],
            node("True"),
            set(),
            1,
            [("b", "terminated")],
            id="evicted ones before older ones",
        ),
        pytest.param(
            [pod("a"), pod("b", on="n2")], node("True"), {"n2"}, 10, [("b", "orphaned")], id="of a lost node"
        ),
        pytest.param(
            [pod("a", on="", **GOING)],
            node("True"),
            set(),
            10,
            [("a", "unscheduled")],
            id="deleted, never scheduled",
        ),
        pytest.param(
            [pod("a"), pod("b", **GOING)],
            node("Unknown", taints=OUT_OF_SERVICE),
            set(),
            10,
            [("b", "out-of-service")],
            id="deleted, on a node out of service",
        ),
        pytest.param(
            [pod("b", **GOING)],
            node("True", taints=OUT_OF_SERVICE),
            set(),
            10,
            [],
            id="that node is ready again",
        ),
        pytest.param([pod("b", **GOING)], node("Unknown"), set(), 10, [], id="deleted, on a silent node"),
    ],
)
def test_pods_are_collected(
    pods: list[Object], seen: Object, lost: set[str], threshold: int, expected: list[tuple[str, str]]
) -> None:
    planned = pod_gc.plan(pods, {"n1": seen}, lost, threshold)
    assert [(each.pod["metadata"]["name"], each.reason) for each in planned] == expected
