"""How many pods a ReplicaSet makes, which it deletes, and what its status says: tables."""

from typing import Any

import pytest

from apimachinery.errors import ForbiddenError
from apimachinery.objects import Object, name_of
from controller_manager.replica_plan import ReplicaPlan, deletion_cost, plan_replicas, pods_to_delete
from controller_manager.replica_status import calculate_status, next_look
from tests.unit.controller_manager.builders import NOW, ago, make_pod, make_set


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        pytest.param(3, 0, (3, 0), id="from nothing"),
        pytest.param(3, 3, (0, 0), id="enough"),
        pytest.param(1, 3, (0, 2), id="too many"),
        pytest.param(0, 3, (0, 3), id="all away"),
        pytest.param(2000, 0, (500, 0), id="never more than a burst at once"),
        pytest.param(0, 700, (0, 500), id="nor deleted at once"),
    ],
)
def test_the_difference_is_made_or_deleted(wanted: int, there: int, expected: tuple[int, int]) -> None:
    pods = [make_pod(f"p{number}") for number in range(there)]
    plan = plan_replicas(wanted, pods, [], NOW)
    assert (plan.create, len(plan.delete)) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"node": ""}, {"phase": "Pending", "ready": None}, id="without a node"),
        pytest.param({"phase": "Pending"}, {"phase": "Running"}, id="pending"),
        pytest.param({"ready": None}, {}, id="not ready"),
        pytest.param({"cost": -1}, {}, id="cheap to delete"),
        pytest.param({}, {"cost": 5}, id="the other one is dear"),
        pytest.param({"ready": 10}, {"ready": 1000}, id="ready for a shorter time"),
        pytest.param({"restarts": 3}, {}, id="more restarts"),
        pytest.param({"created": 10}, {"created": 5000}, id="younger"),
        pytest.param({"ready": None, "cost": 9}, {"cost": -9}, id="readiness goes before cost"),
    ],
)
def test_the_pod_that_is_missed_least_goes_first(first: Object, second: Object) -> None:
    a, b = make_pod("a", **first), make_pod("b", **second)
    assert [name_of(each) for each in pods_to_delete([b, a], [a, b], 1, NOW)] == ["a"]


def test_crowded_nodes_are_emptied_first() -> None:
    pods = [make_pod("a", node="n1"), make_pod("b", node="n2"), make_pod("c", node="n2")]
    assert name_of(pods_to_delete(pods, pods, 1, NOW)[0]) in {"b", "c"}


def test_pods_of_about_the_same_age_go_by_uid() -> None:
    pods = [make_pod(name, ready=ready) for name, ready in (("b", 1000.0), ("a", 1001.0))]
    assert name_of(pods_to_delete(pods, pods, 1, NOW)[0]) == "a"


@pytest.mark.parametrize(
    ("text", "cost"),
    [("5", 5), ("-5", -5), ("0", 0), ("+5", 0), ("007", 0), ("x", 0), ("", 0), ("2147483648", 0)],
)
def test_a_cost_that_is_no_number_is_none(text: str, cost: int) -> None:
    pod = make_pod("a")
    pod["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": text}
    assert deletion_cost(pod) == cost


def owner(replicas: int = 2, **spec: Any) -> Object:
    it = make_set("rs", replicas)
    it["spec"] |= spec
    it["spec"]["template"] = {"metadata": {"labels": {"app": "web"}}}
    it["status"] = {"replicas": 0}
    return it


def test_the_status_counts_pods() -> None:
    pods = [make_pod("a", app="web"), make_pod("b", ready=None, app="web"), make_pod("c", app="other")]
    assert calculate_status(owner(), pods, None, NOW) == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }


@pytest.mark.parametrize(
    ("ready", "available", "look"),
    [
        pytest.param([5.0], None, 25.01, id="not long enough"),
        pytest.param([30.0, 31.0], 2, None, id="long enough"),
        pytest.param([5.0, 20.0, 40.0], 1, 10.01, id="the next one counts"),
    ],
)
def test_a_pod_is_available_after_min_ready_seconds(
    ready: list[float], available: int | None, look: float | None
) -> None:
    pods = [make_pod(f"p{number}", ready=seconds) for number, seconds in enumerate(ready)]
    it = owner(minReadySeconds=30)
    assert calculate_status(it, pods, None, NOW).get("availableReplicas") == available
    assert next_look(it, pods, NOW) == look


@pytest.mark.parametrize(("there", "reason"), [(0, "FailedCreate"), (3, "FailedDelete")])
def test_a_failure_is_told_in_a_condition(there: int, reason: str) -> None:
    pods = [make_pod(f"p{number}") for number in range(there)]
    error = ForbiddenError("pods", "x", "exceeded quota")
    assert calculate_status(owner(), pods, error, NOW)["conditions"] == [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": ago(0),
            "reason": reason,
            "message": 'pods "x" is forbidden: exceeded quota',
        }
    ]


def test_a_failure_stays_as_first_seen_and_goes_with_success() -> None:
    it = owner()
    known = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "first"}
    it["status"]["conditions"] = [known]
    assert calculate_status(it, [], ValueError("second"), NOW)["conditions"] == [known]
    assert "conditions" not in calculate_status(it, [], None, NOW)


def test_a_plan_reads_well() -> None:
    assert repr(ReplicaPlan(create=1)) == "ReplicaPlan(create=1, delete=())"
