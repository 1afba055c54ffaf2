"""How many replicas metrics ask for; most rows are upstream's cases (replica_calculator_test.go)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from apimachinery.objects import Object
from controller_manager.horizontal_pod_autoscaler.calculator import Asked, Calculator
from controller_manager.horizontal_pod_autoscaler.pods import requests
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError, Settings
from tests.unit.controller_manager.builders import NOW, ago
from tests.unit.controller_manager.scaled_pods import pods, read


@dataclass(frozen=True)
class Case:
    current: int
    pods: list[Object]
    values: Sequence[int]
    target: int
    asked: Asked
    first: int = 0
    """The pod that the first value belongs to."""


UTILIZATION = {
    "up": Case(3, pods(3), [300, 500, 700], 30, Asked(5, 500, 50)),
    "an unready pod takes nothing": Case(3, pods(3, unready=[0]), [300, 500, 700], 30, Asked(4, 600, 60)),
    "nor does a hot one": Case(3, pods(3, hot=[0]), [300, 500, 700], 30, Asked(4, 600, 60)),
    "too many unready ones": Case(3, pods(3, unready=[1, 2]), [400, 500, 700], 30, Asked(3, 400, 40)),
    "failed pods": Case(2, pods(4, unready=[2, 3], failed=[2, 3]), [500, 700], 30, Asked(4, 600, 60)),
    "deleted pods": Case(2, pods(4, deleted=[2, 3]), [500, 700], 30, Asked(4, 600, 60)),
    "pending pods": Case(2, pods(3, pending=[2]), [500, 700], 30, Asked(4, 600, 60)),
    "down": Case(5, pods(5), [100, 300, 500, 250, 250], 50, Asked(3, 280, 28)),
    "down without the unready": Case(
        5, pods(5, unready=[3, 4]), [100, 300, 500, 250, 250], 50, Asked(2, 300, 30)
    ),
    "down without the hot": Case(5, pods(5, hot=[3, 4]), [100, 300, 500, 250, 250], 50, Asked(2, 300, 30)),
    "near enough": Case(
        3, pods(3, requests=["900m", "1", "1100m"]), [1010, 1030, 1020], 100, Asked(3, 1020, 102)
    ),
    "metrics of strangers": Case(
        4, pods(4), [4000, 9500, 3000, 7000, 3200, 2000], 100, Asked(24, 5875, 587)
    ),
    "missing ones take what they request": Case(4, pods(4), [400, 95], 100, Asked(3, 247, 24)),
    "missing, and on target": Case(2, pods(2), [1000], 100, Asked(2, 1000, 100)),
    "missing, and above it": Case(2, pods(2), [1900], 100, Asked(2, 1900, 190)),
    "missing, and below it": Case(2, pods(2), [600], 100, Asked(2, 600, 60)),
    "missing and unready, no change": Case(
        3, pods(3, unready=[0]), [100, 450], 50, Asked(3, 450, 45)
    ),
    "missing and unready, up": Case(3, pods(3, unready=[0]), [100, 2000], 50, Asked(4, 2000, 200)),
    "missing and unready, down": Case(4, pods(4, unready=[0]), [100, 100, 100], 50, Asked(3, 100, 10)),
    "missing, target beyond 100": Case(4, pods(4), [200, 100, 100], 300, Asked(2, 133, 13)),
}  # fmt: skip


@pytest.mark.parametrize("case", UTILIZATION.values(), ids=UTILIZATION.keys())
def test_by_utilization(case: Case) -> None:
    calculator = Calculator(case.current, case.pods, Settings(), NOW)
    assert calculator.by_utilization(read(case.values, case.first), "cpu", "", case.target) == case.asked


AVERAGES = {
    "up": Case(3, pods(3), [20000, 10000, 30000], 15000, Asked(4, 20000)),
    "readiness does not matter": Case(
        3, pods(3, unready=[0, 2]), [50000, 10000, 30000], 15000, Asked(6, 30000)
    ),
    "down": Case(5, pods(5), [12000] * 5, 20000, Asked(3, 12000)),
    "near enough": Case(3, pods(3), [20000, 21000, 21000], 20000, Asked(3, 20666)),
    "a missing one counts as on target going down": Case(3, pods(3), [5000, 5000], 10000, Asked(2, 5000)),
    "and as nothing going up": Case(2, pods(2), [30000], 10000, Asked(3, 30000)),
    "never the other way": Case(2, pods(3), [12000], 10000, Asked(2, 12000)),
}


@pytest.mark.parametrize("case", AVERAGES.values(), ids=AVERAGES.keys())
def test_by_average(case: Case) -> None:
    calculator = Calculator(case.current, case.pods, Settings(), NOW)
    assert calculator.by_average(read(case.values), "", case.target) == case.asked


@pytest.mark.parametrize(
    ("current", "ready", "usage", "target", "replicas"),
    [
        (3, 3, 20000, 15000, 4),
        (1, 1, 8600, 4400, 2),
        (3, 3, 15100, 15000, 3),
        (5, 3, 20000, 40000, 2),
        (0, 0, 14000, 4000, 4),
        (0, 0, 0, 4000, 0),
    ],
)
def test_by_value(current: int, ready: int, usage: int, target: int, replicas: int) -> None:
    calculator = Calculator(current, pods(ready), Settings(), NOW)
    assert calculator.by_value(usage, target) == Asked(replicas, usage)


@pytest.mark.parametrize(
    ("replicas", "usage", "target", "asked"),
    [
        (3, 8600, 2150, Asked(4, 2867)),
        (3, 6300, 2150, Asked(3, 2100)),
        (0, 6300, 2100, Asked(3, 0)),
        (0, 0, 2100, Asked(0, 0)),
    ],
)
def test_by_share(replicas: int, usage: int, target: int, asked: Asked) -> None:
    assert Calculator(1, [], Settings(), NOW).by_share(usage, target, replicas) == asked


@pytest.mark.parametrize(
    ("behavior", "usage", "replicas"),
    [
        ({}, 10900, 10),
        ({}, 11100, 12),
        ({"scaleUp": {"tolerance": "0"}}, 10100, 11),
        ({"scaleUp": {"tolerance": "50m"}}, 10400, 10),
        ({"scaleUp": {"tolerance": "0.5"}}, 14900, 10),
        ({"scaleUp": {"tolerance": "0.5"}}, 8900, 9),
        ({"scaleDown": {"tolerance": "0.5"}}, 5100, 10),
        ({"scaleDown": {"tolerance": "0.5"}}, 11100, 12),
        ({"scaleDown": {"tolerance": "0"}, "scaleUp": None}, 9900, 10),
        ({"scaleDown": {"tolerance": "0"}, "scaleUp": None}, 8999, 9),
    ],
)
def test_each_direction_has_its_own_tolerance(behavior: Object, usage: int, replicas: int) -> None:
    settings = Settings().heeding({"spec": {"behavior": behavior}})
    assert Calculator(10, pods(10), settings, NOW).by_value(usage, 10000).replicas == replicas


def test_what_cannot_be_calculated_is_said() -> None:
    def by_utilization(pods: list[Object], values: Sequence[int]) -> str:
        with pytest.raises(MetricsError) as caught:
            Calculator(1, pods, Settings(), NOW).by_utilization(read(values), "cpu", "", 50)
        return str(caught.value)

    assert by_utilization([], [1]) == "no pods returned by selector while calculating replica count"
    unready = "did not receive metrics for targeted pods (pods might be unready)"
    assert by_utilization(pods(1, unready=[0]), [1]) == unready
    assert by_utilization(pods(1, requests=["0"]), [1]) == "no metrics returned matched known pods"
    with pytest.raises(MetricsError, match=r"^unable to calculate ready pods: no pods returned by selector"):
        Calculator(1, [], Settings(), NOW).by_value(9000, 1000)


READINESS = {
    "never ready, long after its start": ({"started": 600, "ready": None, "since": 590}, 1),
    "was ready once, and is not now": ({"started": 600, "ready": None, "since": 60}, 2),
    "ready for longer than the window": ({"started": 200, "ready": 100, "since": 100}, 2),
    "ready for less than the window": ({"started": 200, "ready": 50, "since": 50}, 1),
    "ready since nobody knows when": ({"started": 200, "ready": 50, "since": None}, 2),
    "not ready since nobody knows when": ({"started": 600, "ready": None, "since": None}, 1),
}


@pytest.mark.parametrize(("pod", "ready"), READINESS.values(), ids=READINESS.keys())
def test_which_pods_count_for_cpu(pod: dict[str, Any], ready: int) -> None:
    first, second = pods(2)
    second["status"]["startTime"] = ago(pod["started"])
    status = "False" if pod["ready"] is None else "True"
    since = pod["since"] and ago(pod["since"])
    second["status"]["conditions"] = [{"type": "Ready", "status": status, "lastTransitionTime": since}]
    asked = Calculator(2, [first, second], Settings(), NOW).by_utilization(read([400, 400]), "cpu", "", 10)
    assert asked.replicas == {1: 4, 2: 8}[ready]


def with_resources(pod_level: dict[str, str] | None = None) -> Object:
    def container(name: str, cpu: str, **more: Any) -> Object:
        return {"name": name, "resources": {"requests": {"cpu": cpu}}, **more}

    init = [container("init", "5"), container("sidecar", "50m", restartPolicy="Always")]
    spec: Object = {"containers": [container("a", "100m"), container("b", "200m")], "initContainers": init}
    if pod_level is not None:
        spec["resources"] = {"requests": pod_level}
    return {"metadata": {"name": "p"}, "spec": spec}


@pytest.mark.parametrize(
    ("pod", "container", "millis"),
    [
        (with_resources(), "", 350),
        (with_resources(), "b", 200),
        (with_resources(), "sidecar", 50),
        (with_resources({"cpu": "1"}), "", 1000),
        (with_resources({"cpu": "1"}), "b", 200),
    ],
    ids=["all that run", "one", "a sidecar", "the pod's own", "one of a pod with its own"],
)
def test_what_a_pod_requests(pod: Object, container: str, millis: int) -> None:
    assert requests([pod], "cpu", container) == {"p": millis}


@pytest.mark.parametrize(
    ("pod", "resource", "container", "text"),
    [
        (with_resources(), "memory", "", "missing request for memory in container a of Pod p"),
        (with_resources(), "cpu", "x", "container x not found in Pod p"),
        (with_resources({"cpu": "1"}), "memory", "", "missing pod-level request for memory in Pod p"),
    ],
)
def test_a_request_that_is_missing_is_named(pod: Object, resource: str, container: str, text: str) -> None:
    with pytest.raises(MetricsError) as caught:
        requests([pod], resource, container)
    assert str(caught.value) == text
