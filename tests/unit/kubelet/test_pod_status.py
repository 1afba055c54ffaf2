"""What is reported of a pod as a whole: its phase, conditions, addresses and start."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.conditions import find_condition
from apimachinery.objects import Object
from kubelet.pods.container_status import StatusInputs
from kubelet.pods.status import Verdict, pod_status, rejected_status
from kubelet.pods.status_patch import status_patch
from kubelet.runtime.interface import RuntimePod
from tests.unit.kubelet.builders import (
    BOOT,
    exited,
    make_container,
    make_pod,
    make_seen,
    make_sidecar,
    running,
)
from tests.unit.kubelet.statuses import INIT, NOW, brief, status_of

TWO = (make_container("a"), make_container("b"))
RULED = {"restartPolicy": "Never", "restartPolicyRules": [
    {"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 1]}}
]}  # fmt: skip
PHASE_CASES: list[Any] = [
    ("nothing made", make_pod(), None, "Pending"),
    ("init container runs", make_pod(init=INIT), make_seen(running("i")), "Pending"),
    ("init container failed, to be retried", make_pod(init=INIT), make_seen(exited("i", 1)), "Pending"),
    (
        "init container failed for good",
        make_pod(init=INIT, policy="Never"),
        make_seen(exited("i", 1)),
        "Failed",
    ),
    (
        "sidecar runs, container does not",
        make_pod(init=(make_sidecar(),)),
        make_seen(running("side")),
        "Pending",
    ),
    ("one of two runs", make_pod(*TWO), make_seen(running("a")), "Pending"),
    ("both run", make_pod(*TWO), make_seen(running("a"), running("b")), "Running"),
    (
        "one failed, one runs",
        make_pod(*TWO, policy="Never"),
        make_seen(exited("a", 1), running("b")),
        "Running",
    ),
    ("Always is never over", make_pod(), make_seen(exited()), "Running"),
    ("all succeeded", make_pod(policy="OnFailure"), make_seen(exited()), "Succeeded"),
    ("one failed, to be restarted", make_pod(policy="OnFailure"), make_seen(exited(code=1)), "Running"),
    ("one failed for good", make_pod(*TWO, policy="Never"), make_seen(exited("a", 1), exited("b")), "Failed"),
    (
        "a rule restarts one of those that have ended",
        make_pod(make_container("a", **RULED), make_container("b"), policy="Never"),
        make_seen(exited("a", 42), exited("b")),
        "Running",
    ),
    (
        "no rule restarts what has failed",
        make_pod(make_container("a", **RULED), make_container("b", restartPolicy="OnFailure")),
        make_seen(exited("a", 1), exited("b")),
        "Failed",
    ),
    (
        "an init container that its rules try again",
        make_pod(init=(make_container("i", **RULED),), policy="Never"),
        make_seen(exited("i", 42)),
        "Pending",
    ),
    ("over is over", make_pod(status={"phase": "Failed"}), make_seen(running()), "Failed"),
]


@pytest.mark.parametrize(
    ("pod", "seen", "expected"), [row[1:] for row in PHASE_CASES], ids=[row[0] for row in PHASE_CASES]
)
def test_phase(pod: Object, seen: RuntimePod | None, expected: str) -> None:
    assert status_of(pod, seen)["phase"] == expected


def test_a_pod_that_was_stopped_by_its_deletion_is_over() -> None:
    assert status_of(make_pod(), make_seen(exited()), ending=True)["phase"] == "Succeeded"
    assert status_of(make_pod(), make_seen(exited(code=137)), ending=True)["phase"] == "Failed"


def conditions_of(status: Object) -> dict[str, str]:
    shown = {}
    for each in status["conditions"]:
        details = [each[key] for key in ("reason", "message") if key in each]
        shown[each["type"]] = ": ".join([each["status"], *details])
    return shown


@pytest.mark.parametrize(("told", "expected"), [(False, None), (True, "SIGUSR1")])
def test_a_status_tells_of_stop_signals_behind_their_gate(told: bool, expected: str | None) -> None:
    seen = make_seen(running(stop_signal="SIGUSR1"))
    status = status_of(make_pod(), seen, tells_stop_signals=told)
    assert status["containerStatuses"][0].get("stopSignal") == expected


UNKNOWN, WAITING = "terminated:ContainerStatusUnknown", "waiting:PodInitializing"


@pytest.mark.parametrize(
    ("pod", "seen", "expected"),
    [
        pytest.param(make_pod(), None, [UNKNOWN], id="nothing was made"),
        pytest.param(make_pod(init=INIT), None, [UNKNOWN, WAITING], id="not even its init container"),
        pytest.param(
            make_pod(init=INIT),
            make_seen(exited("i", 1)),
            ["terminated:Error", WAITING],
            id="init failed",
        ),
        pytest.param(
            make_pod(init=INIT), make_seen(exited("i")), ["terminated:Completed", UNKNOWN], id="init was over"
        ),
        pytest.param(
            make_pod(*TWO), make_seen(exited("a")), ["terminated:Completed", UNKNOWN], id="one of two ran"
        ),
    ],
)
def test_a_pod_that_is_deleted_early_has_failed(
    pod: Object, seen: RuntimePod | None, expected: list[str]
) -> None:
    status = status_of(pod, seen, ending=True)
    states = [
        brief(status, field, index).split()[0]
        for field in ("initContainerStatuses", "containerStatuses")
        for index in range(len(status.get(field, ())))
    ]
    assert (status["phase"], states) == ("Failed", expected)


def test_conditions_of_a_pod_that_is_deleted_early_are_of_what_was_seen() -> None:
    unready = "False: ContainersNotReady: containers with unready status: [web]"
    assert conditions_of(status_of(make_pod(), None, ending=True))["Ready"] == unready
    assert conditions_of(status_of(make_pod(), make_seen(exited(code=1)), ending=True))["Ready"] == (
        "False: PodFailed"
    )


def test_conditions_of_a_pod_that_starts() -> None:
    assert conditions_of(status_of(make_pod(*TWO, init=INIT), make_seen(running("i")))) == {
        "PodReadyToStartContainers": "True",
        "Initialized": "False: ContainersNotInitialized: containers with incomplete status: [i]",
        "Ready": "False: ContainersNotReady: containers with unready status: [a b]",
        "ContainersReady": "False: ContainersNotReady: containers with unready status: [a b]",
        "PodScheduled": "True",
    }


def test_conditions_of_a_pod_that_runs() -> None:
    assert set(conditions_of(status_of(make_pod(), make_seen(running()))).values()) == {"True"}


def test_conditions_of_a_pod_that_is_done() -> None:
    conditions = conditions_of(status_of(make_pod(policy="Never"), make_seen(exited())))
    assert (conditions["Ready"], conditions["Initialized"]) == ("False: PodCompleted", "True: PodCompleted")


GATED: dict[str, Any] = {"readinessGates": [{"conditionType": "x/open"}]}


def test_a_readiness_gate_holds_the_pod_back() -> None:
    missing = status_of(make_pod(**GATED), make_seen(running()))
    assert conditions_of(missing)["Ready"] == (
        "False: ReadinessGatesNotReady: corresponding condition of pod readiness gate "
        '"x/open" does not exist.'
    )
    no = status_of(
        make_pod(**GATED, status={"conditions": [{"type": "x/open", "status": "False"}]}),
        make_seen(running()),
    )
    assert conditions_of(no)["Ready"] == (
        'False: ReadinessGatesNotReady: the status of pod readiness gate "x/open" is not "True", but False'
    )


def test_conditions_of_others_are_theirs_and_times_of_transition_are_kept() -> None:
    old = [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2025-01-01T00:00:00Z"},
        {"type": "x/open", "status": "True"},
    ]
    conditions = status_of(make_pod(status={"conditions": old}), make_seen(running()))["conditions"]
    ready = find_condition(conditions, "Ready")
    assert ready is not None
    assert ready["lastTransitionTime"] == "2025-01-01T00:00:00Z"
    assert find_condition(conditions, "x/open") is None


def test_addresses_come_from_the_sandbox_and_outlive_it() -> None:
    up = status_of(make_pod(), make_seen(running()))
    assert (up["podIP"], up["podIPs"], up["hostIPs"]) == (
        "10.244.0.5",
        [{"ip": "10.244.0.5"}],
        [{"ip": "192.0.2.1"}],
    )
    down = status_of(make_pod(status={"podIPs": [{"ip": "10.244.0.9"}]}), make_seen(exited(), ready=False))
    assert down["podIP"] == "10.244.0.9"
    assert status_of(make_pod(hostNetwork=True), make_seen(running()))["podIP"] == "192.0.2.1"


def test_a_pod_past_its_deadline_is_failed_with_the_reason() -> None:
    status = pod_status(
        make_pod(),
        StatusInputs(seen=make_seen(running())),
        ("192.0.2.1",),
        NOW,
        ended=Verdict("DeadlineExceeded", "m"),
    )
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "m")


def test_a_refused_pod_says_why() -> None:
    old = {"conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "x/y", "status": "True"}]}
    status = rejected_status(make_pod(status=old), Verdict("OutOfcpu", "no room"), NOW)
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
    assert status["message"] == "Pod was rejected: no room"
    assert status_patch(old, status)["conditions"] == [{"type": "PodScheduled", "$patch": "delete"}]


def test_the_start_time_is_set_once() -> None:
    assert status_of(make_pod())["startTime"] == NOW
    assert (
        status_of(make_pod(status={"startTime": "2025-01-01T00:00:00Z"}))["startTime"]
        == "2025-01-01T00:00:00Z"
    )
    assert BOOT
