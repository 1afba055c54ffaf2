"""How long pods, and nodes, take to start."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.node.startup import NodeStartup
from kubelet.pods.startup import StartupTimes, covered, is_stateful, time_of_inits
from tests.fakes.counts import Counts, sample
from tests.unit.kubelet.builders import make_container, make_pod

CREATED = {"creationTimestamp": "2026-01-01T00:00:00Z"}
AT = 1767225600.0
"""The same in Unix seconds."""
RUNNING = {"name": "web", "state": {"running": {"startedAt": "2026-01-01T00:00:09Z"}}}
STARTED = {"startTime": "2026-01-01T00:00:01Z", "containerStatuses": [RUNNING]}
UNSCHEDULED = {"conditions": [{"type": "PodScheduled", "status": "False"}]}
LASTING = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]}


def terminated(began: int, ended: int) -> Object:
    times = {"startedAt": f"2026-01-01T00:00:{began:02}Z", "finishedAt": f"2026-01-01T00:00:{ended:02}Z"}
    return {"terminated": times}


@pytest.mark.parametrize(
    ("at_first", "spec", "expected"),
    [
        pytest.param({}, {}, {"total": 10.0, "sli": 7.0}, id="without the pull"),
        pytest.param({}, LASTING, {"total": 10.0, "sli": 0.0}, id="stateful"),
        pytest.param(UNSCHEDULED, {}, {"total": 0.0, "sli": 0.0}, id="had to wait"),
        pytest.param(STARTED, {}, {"total": 0.0, "sli": 0.0}, id="runs already"),
        pytest.param({"phase": "Failed"}, {}, {"total": 0.0, "sli": 0.0}, id="over already"),
    ],
)
def test_a_pods_start_is_measured_once(
    at_first: Object, spec: dict[str, Any], expected: dict[str, float]
) -> None:
    counts = Counts(
        total=("pod_start_total_duration_seconds_sum", {}), sli=("pod_start_sli_duration_seconds_sum", {})
    )
    seconds = iter([AT + 4.0, AT + 7.0, AT + 10.0, AT + 99.0])
    times = StartupTimes(lambda: next(seconds))
    times.seen(make_pod(meta=CREATED, status=at_first, **spec))
    with times.pulling("u1"):
        times.shown(make_pod(meta=CREATED, status={}, **spec))
    for _ in range(2):
        times.shown(make_pod(meta=CREATED, status=STARTED, **spec))
    assert counts.grown() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        pytest.param([], 0.0, id="none"),
        pytest.param([(1.0, 3.0), (5.0, 6.0)], 3.0, id="apart"),
        pytest.param([(5.0, 9.0), (1.0, 6.0)], 8.0, id="overlapping"),
        pytest.param([(1.0, 9.0), (2.0, 3.0)], 8.0, id="one within the other"),
    ],
)
def test_pulls_at_the_same_time_count_once(spans: list[tuple[float, float]], seconds: float) -> None:
    assert covered(spans) == seconds


def test_init_containers_count_for_as_long_as_they_ran() -> None:
    sidecar = make_container("side", restartPolicy="Always")
    statuses = [
        {"name": "one", "state": terminated(1, 4)},
        {"name": "two", "state": terminated(4, 6)},
        {"name": "three", "state": {"waiting": {}}},
        {"name": "side", "state": terminated(6, 60)},
    ]
    inits = [make_container("one"), make_container("two"), make_container("three"), sidecar]
    assert time_of_inits(make_pod(initContainers=inits, status={"initContainerStatuses": statuses})) == 5.0


@pytest.mark.parametrize(("source", "expected"), [("projected", False), ("emptyDir", False), ("nfs", True)])
def test_a_pod_is_stateful_for_its_volumes(source: str, expected: bool) -> None:
    assert is_stateful(make_pod(volumes=[{"name": "v", source: {}}])) is expected


def test_a_new_nodes_start_is_told_in_parts() -> None:
    seconds = iter([AT + 3.0, AT + 7.0, AT + 20.0, AT + 20.0])
    startup = NodeStartup(AT, AT + 1.0, lambda: next(seconds))
    startup.ready()
    startup.registered()
    for told in (startup.trying, startup.trying, startup.registered, startup.ready, startup.ready):
        told()
    parts = ("pre_kubelet_", "pre_registration_", "registration_", "post_registration_", "")
    shown = [sample(f"node_startup_{part}duration_seconds") for part in parts]
    assert shown == [1.0, 2.0, 4.0, 13.0, 20.0]
