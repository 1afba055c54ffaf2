"""Conditions and counts of a Deployment, and the deadline: tables."""

from typing import Any

import pytest

from apimachinery.conditions import find_condition
from apimachinery.objects import Object
from controller_manager.deployment_status import calculate_rollout_status, next_look, pause_condition
from tests.unit.controller_manager.builders import NOW, ago, make_deployment, make_set


def progressing(reason: str, status: str = "True", seconds: float = 60) -> Object:
    times = {"lastUpdateTime": ago(seconds), "lastTransitionTime": ago(seconds)}
    return {"type": "Progressing", "status": status, "reason": reason, **times}


def status_of(replicas: int, updated: int, available: int, *conditions: Object) -> Object:
    counts = {"replicas": replicas, "updatedReplicas": updated, "readyReplicas": available}
    return {**counts, "availableReplicas": available, "conditions": list(conditions)}


def sets_of(new: tuple[int, int], old: tuple[int, int] = (0, 0)) -> tuple[Object, Object]:
    return (
        make_set("new", new[0], available=new[1]),
        make_set("old", old[0], available=old[1], image="old"),
    )


CREATED, UPDATED, COMPLETE = "NewReplicaSetCreated", "ReplicaSetUpdated", "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"


@pytest.mark.parametrize(
    ("before", "new", "old", "expected"),
    [
        pytest.param(
            status_of(0, 0, 0, progressing(CREATED)), (3, 0), (0, 0), f"True:{UPDATED}", id="more pods"
        ),
        pytest.param(
            status_of(3, 3, 0, progressing(UPDATED)), (3, 3), (0, 0), f"True:{COMPLETE}", id="all there"
        ),
        pytest.param(
            status_of(3, 3, 3, progressing(COMPLETE)), (3, 1), (0, 0), f"True:{COMPLETE}", id="stays so"
        ),
        pytest.param(
            status_of(4, 1, 3, progressing(CREATED)), (1, 0), (3, 3), f"True:{CREATED}", id="stands still"
        ),
        pytest.param(
            status_of(4, 1, 3, progressing(UPDATED, seconds=601)),
            (1, 0),
            (3, 3),
            f"False:{TIMED_OUT}",
            id="too long",
        ),
        pytest.param(
            status_of(4, 1, 3, progressing(UPDATED) | {"lastUpdateTime": None}),
            (1, 0),
            (3, 3),
            f"False:{TIMED_OUT}",
            id="no time is long ago",
        ),
        pytest.param(
            status_of(4, 1, 3, progressing(TIMED_OUT, "False", 9999)),
            (2, 1),
            (2, 2),
            f"True:{UPDATED}",
            id="late, but moving again",
        ),
    ],
)
def test_progress(before: Object, new: tuple[int, int], old: tuple[int, int], expected: str) -> None:
    newest, oldest = sets_of(new, old)
    status = calculate_rollout_status(make_deployment(3, status=before), [oldest, newest], newest, NOW)
    found = find_condition(status["conditions"], "Progressing") or {}
    assert f"{found['status']}:{found['reason']}" == expected


@pytest.mark.parametrize(
    ("available", "expected"),
    [(3, "True:MinimumReplicasAvailable"), (2, "False:MinimumReplicasUnavailable")],
)
def test_availability(available: int, expected: str) -> None:
    newest, _ = sets_of((3, available))
    status = calculate_rollout_status(make_deployment(3), [newest], newest, NOW)
    found = find_condition(status["conditions"], "Available") or {}
    assert f"{found['status']}:{found['reason']}" == expected


def test_counts_leave_out_zeros() -> None:
    newest, oldest = sets_of((1, 0), (3, 3))
    status = calculate_rollout_status(make_deployment(3), [oldest, newest], newest, NOW)
    del status["conditions"]
    assert status == {
        "observedGeneration": 1,
        "replicas": 4,
        "updatedReplicas": 1,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 1,
    }


def test_the_failure_of_a_replica_set_is_told() -> None:
    newest, _ = sets_of((3, 0))
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    newest["status"]["conditions"] = [failure]
    status = calculate_rollout_status(make_deployment(3), [newest], newest, NOW)
    assert (find_condition(status["conditions"], "ReplicaFailure") or {})["message"] == "quota"


@pytest.mark.parametrize(
    ("paused", "known", "expected"),
    [
        pytest.param(True, [progressing(UPDATED)], "DeploymentPaused", id="paused"),
        pytest.param(True, [progressing("DeploymentPaused", "Unknown")], None, id="still paused"),
        pytest.param(False, [progressing("DeploymentPaused", "Unknown")], "DeploymentResumed", id="resumed"),
        pytest.param(False, [progressing(UPDATED)], None, id="nothing"),
        pytest.param(True, [progressing(TIMED_OUT, "False")], None, id="a missed deadline stays missed"),
    ],
)
def test_pausing(paused: bool, known: list[Object], expected: str | None) -> None:
    it = make_deployment(3, paused=paused, status={"conditions": known})
    assert (pause_condition(it, NOW) or {}).get("reason") == expected


@pytest.mark.parametrize(
    ("spec", "condition", "expected"),
    [
        pytest.param({}, progressing(UPDATED, seconds=100), 501.0, id="at the deadline"),
        pytest.param({}, progressing(COMPLETE), None, id="done"),
        pytest.param({"progressDeadlineSeconds": 2**31 - 1}, progressing(UPDATED), None, id="no deadline"),
    ],
)
def test_the_deadline_is_looked_at_in_time(
    spec: dict[str, Any], condition: Object, expected: float | None
) -> None:
    assert next_look(make_deployment(3, **spec), status_of(3, 1, 1, condition), NOW) == expected
