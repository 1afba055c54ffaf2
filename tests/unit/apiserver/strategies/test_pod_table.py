"""One line about a pod."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from tests.unit.apiserver.strategies.objects import NOW, container, created, pod, strategy


def status(state: Object, **fields: Any) -> Object:
    return {"name": "c", "ready": False, "restartCount": 0, "state": state, **fields}


def row(spec: Object, pod_status: Object, **metadata: Any) -> list[Any]:
    obj = created(scheme.PODS, pod(**spec))
    obj["status"] = pod_status
    obj["metadata"] |= metadata
    return strategy(scheme.PODS).cells(obj, NOW)


RUNNING = status({"running": {}}, ready=True)
CRASHED = status({"terminated": {"exitCode": 3}})
TWO_INIT = {"initContainers": [container("i"), container("j")]}
SIDECAR = {"initContainers": [container("i", restartPolicy="Always")]}


@pytest.mark.parametrize(
    ("spec", "pod_status", "expected"),
    [
        pytest.param({}, {"phase": "Pending"}, ["0/1", "Pending", "0"], id="pending"),
        pytest.param({}, {"phase": "Failed", "reason": "Evicted"}, ["0/1", "Evicted", "0"], id="a reason"),
        pytest.param(
            {}, {"containerStatuses": [RUNNING], "phase": "Running"}, ["1/1", "Running", "0"], id="ready"
        ),
        pytest.param({}, {"containerStatuses": [CRASHED]}, ["0/1", "ExitCode:3", "0"], id="an exit code"),
        pytest.param(
            {},
            {"containerStatuses": [status({"waiting": {"reason": "ImagePullBackOff"}})]},
            ["0/1", "ImagePullBackOff", "0"],
            id="waiting",
        ),
        pytest.param(
            {},
            {
                "phase": "Running",
                "containerStatuses": [
                    status(
                        {"running": {}},
                        ready=True,
                        restartCount=3,
                        lastState={"terminated": {"finishedAt": "2025-12-31T23:55:00Z"}},
                    )
                ],
            },
            ["1/1", "Running", "3 (5m ago)"],
            id="restarts and when",
        ),
        pytest.param(
            TWO_INIT,
            {"initContainerStatuses": [status({"terminated": {"exitCode": 0}}), status({"waiting": {}})]},
            ["0/1", "Init:1/2", "0"],
            id="initializing",
        ),
        pytest.param(
            TWO_INIT,
            {"initContainerStatuses": [status({"terminated": {"exitCode": 1, "reason": "Error"}})]},
            ["0/1", "Init:Error", "0"],
            id="failed initializing",
        ),
        pytest.param(
            SIDECAR,
            {
                "phase": "Running",
                "initContainerStatuses": [{**RUNNING, "name": "i", "started": True}],
                "containerStatuses": [RUNNING],
            },
            ["2/2", "Running", "0"],
            id="sidecars count",
        ),
        pytest.param(
            {},
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
            ["0/1", "SchedulingGated", "0"],
            id="gated",
        ),
    ],
)
def test_ready_status_restarts(spec: Object, pod_status: Object, expected: list[Any]) -> None:
    assert row(spec, pod_status)[1:4] == expected


def test_a_pod_that_is_going_says_so() -> None:
    assert row({}, {"phase": "Running"}, deletionTimestamp="2026-01-01T00:00:00Z")[2] == "Terminating"


def test_wide_columns() -> None:
    pod_status = {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}
    assert row({"nodeName": "n"}, pod_status)[5:] == ["10.0.0.1", "n", "<none>", "<none>"]
    assert len(row({}, {})) == len(strategy(scheme.PODS).columns)


def test_rows_of_pods_that_have_ended_can_be_hidden() -> None:
    obj = {**pod(), "status": {"phase": "Succeeded"}}
    assert strategy(scheme.PODS).row_conditions(obj)[0]["type"] == "Completed"
    assert strategy(scheme.PODS).row_conditions({**pod(), "status": {"phase": "Running"}}) == []
