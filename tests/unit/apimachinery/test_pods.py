"""What a Pod dict says; conditions; taints."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.conditions import set_condition
from apimachinery.pods import host_ports, is_available, pod_limits, pod_requests, qos_class
from apimachinery.taints import find_untolerated, tolerates


def container(cpu: str = "", *, limit: str = "", **rest: Any) -> dict[str, Any]:
    resources: dict[str, Any] = {"requests": {"cpu": cpu}} if cpu else {}
    if limit:
        resources["limits"] = {"cpu": limit, "memory": limit}
        resources["requests"] = {"cpu": cpu or limit, "memory": limit}
    return {"name": "c", "resources": resources, **rest}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container("100m"), container("200m")]}, "300m"),
        ({"initContainers": [container("1")], "containers": [container("100m")]}, "1"),
        ({"initContainers": [container("200m", **SIDECAR)], "containers": [container("100m")]}, "300m"),
        (
            {
                "initContainers": [container("200m", **SIDECAR), container("1")],
                "containers": [container("1m")],
            },
            "1200m",
        ),
        ({"initContainers": [container("1"), container("200m", **SIDECAR)], "containers": []}, "1"),
        ({"containers": [container("100m")], "overhead": {"cpu": "50m"}}, "150m"),
        ({"containers": [container("100m")], "resources": {"requests": {"cpu": "2"}}}, "2"),
    ],
    ids=[
        "sum",
        "largest init",
        "sidecar adds",
        "init beside sidecar",
        "init before sidecar",
        "overhead",
        "pod level",
    ],
)
def test_requests_follow_the_order_in_which_containers_run(spec: dict[str, Any], cpu: str) -> None:
    assert str(pod_requests({"spec": spec})["cpu"]) == cpu


def test_overhead_makes_no_limit_of_its_own() -> None:
    assert pod_limits({"spec": {"containers": [container("1")], "overhead": {"cpu": "1"}}}) == {}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([container()], "BestEffort"),
        ([container("1")], "Burstable"),
        ([container(limit="1")], "Guaranteed"),
        ([container("500m", limit="1")], "Burstable"),
        ([container(limit="1"), container()], "Burstable"),
        ([container("0")], "BestEffort"),
    ],
)
def test_quality_of_service(containers: list[dict[str, Any]], expected: str) -> None:
    assert qos_class({"spec": {"containers": containers}}) == expected


def test_availability_needs_readiness_for_a_while() -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    pod = {"status": {"conditions": [ready]}}
    at = [datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in (9, 10)]
    assert [is_available(pod, 10, now) for now in at] == [False, True]
    assert is_available(pod, 0, at[0])
    assert not is_available({}, 0, at[0])


def test_host_ports_of_ordinary_containers_and_sidecars() -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    pod = {"spec": {"containers": [{"ports": ports}], "initContainers": [{"ports": ports}]}}
    assert host_ports(pod) == [("0.0.0.0", "TCP", 8080)]


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    conditions: list[dict[str, Any]] = []
    assert set_condition(conditions, {"type": "A", "status": "True"}, "t1")
    assert not set_condition(conditions, {"type": "A", "status": "True"}, "t2")
    assert set_condition(conditions, {"type": "A", "status": "True", "reason": "R"}, "t3")
    assert conditions == [{"type": "A", "status": "True", "reason": "R", "lastTransitionTime": "t1"}]
    assert set_condition(conditions, {"type": "A", "status": "False"}, "t4")
    assert conditions == [{"type": "A", "status": "False", "lastTransitionTime": "t4"}]


TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "x"}, False),
        ({"key": "x", "operator": "Exists"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k"}, False),
    ],
)
def test_tolerations(toleration: dict[str, Any], expected: bool) -> None:
    assert tolerates(toleration, TAINT) is expected
    assert (find_untolerated([TAINT], [toleration], ["NoSchedule"]) is None) is expected
    assert find_untolerated([TAINT], [], ["NoExecute"]) is None
