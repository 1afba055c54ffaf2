"""The status that is reported of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.conditions import find_condition
from apimachinery.objects import Object
from kubelet.pods.container_status import StartFailure, StatusInputs
from kubelet.pods.seen import Verdicts
from kubelet.pods.status import Verdict, pod_status, rejected_status
from kubelet.pods.status_patch import status_patch
from kubelet.runtime.interface import RuntimePod
from tests.unit.kubelet.builders import (
    BOOT,
    exited,
    failed_to_start,
    make_container,
    make_pod,
    make_seen,
    make_sidecar,
    running,
)

NOW = "2026-01-02T03:04:05Z"
INIT = (make_container("i"),)
CRASH = {"web": StartFailure("CrashLoopBackOff", "back-off 10s")}
PROBED = make_container(readinessProbe={"exec": {}})
SLOW = make_container(startupProbe={"exec": {}})


def status_of(pod: Object, seen: RuntimePod | None = None, **inputs: Any) -> Object:
    return pod_status(pod, StatusInputs(seen=seen, **inputs), ("192.0.2.1",), NOW)


def brief(status: Object, field: str = "containerStatuses", index: int = 0) -> str:
    """`running ready=True restarts=0` or `waiting:Reason last=Error ...`."""
    container = status[field][index]
    kind, detail = next(iter(container["state"].items()))
    words = [kind + (f":{detail['reason']}" if "reason" in detail else "")]
    last = container["lastState"].get("terminated")
    words += [f"last={last['reason']}"] if last else []
    return " ".join([*words, f"ready={container['ready']}", f"restarts={container['restartCount']}"])


CONTAINER_CASES: list[Any] = [
    ("nothing made yet", make_pod(), None, {}, "waiting:ContainerCreating ready=False restarts=0"),
    (
        "held by init containers",
        make_pod(init=INIT),
        None,
        {},
        "waiting:PodInitializing ready=False restarts=0",
    ),
    ("running", make_pod(), make_seen(running()), {}, "running ready=True restarts=0"),
    (
        "running, readiness not known",
        make_pod(PROBED),
        make_seen(running()),
        {},
        "running ready=False restarts=0",
    ),
    (
        "running and found ready",
        make_pod(PROBED),
        make_seen(running()),
        {"verdicts": Verdicts(readiness={"docker://web-0": True})},
        "running ready=True restarts=0",
    ),
    ("running, not started", make_pod(SLOW), make_seen(running()), {}, "running ready=False restarts=0"),
    (
        "succeeded",
        make_pod(policy="Never"),
        make_seen(exited()),
        {},
        "terminated:Completed ready=False restarts=0",
    ),
    (
        "failed",
        make_pod(policy="Never"),
        make_seen(exited(code=2)),
        {},
        "terminated:Error ready=False restarts=0",
    ),
    (
        "out of memory",
        make_pod(policy="Never"),
        make_seen(exited(code=137, oom_killed=True)),
        {},
        "terminated:OOMKilled ready=False restarts=0",
    ),
    (
        "never started",
        make_pod(policy="Never"),
        make_seen(failed_to_start()),
        {},
        "terminated:StartError ready=False restarts=0",
    ),
    (
        "restarted once",
        make_pod(),
        make_seen(running(attempt=1), exited(code=1)),
        {},
        "running last=Error ready=True restarts=1",
    ),
    (
        "in back-off",
        make_pod(),
        make_seen(exited(code=1)),
        {"failures": CRASH},
        "waiting:CrashLoopBackOff last=Error ready=False restarts=0",
    ),
    (
        "an old failure does not hide what runs",
        make_pod(),
        make_seen(running()),
        {"failures": CRASH},
        "running ready=True restarts=0",
    ),
    (
        "an old failure does not hide the end",
        make_pod(policy="Never"),
        make_seen(exited(code=1)),
        {"failures": CRASH},
        "terminated:Error ready=False restarts=0",
    ),
    (
        "no image",
        make_pod(),
        make_seen(),
        {"failures": {"web": StartFailure("ErrImagePull", "no route")}},
        "waiting:ErrImagePull ready=False restarts=0",
    ),
]


@pytest.mark.parametrize(
    ("pod", "seen", "inputs", "expected"),
    [row[1:] for row in CONTAINER_CASES],
    ids=[row[0] for row in CONTAINER_CASES],
)
def test_container_status(
    pod: Object, seen: RuntimePod | None, inputs: dict[str, Any], expected: str
) -> None:
    assert brief(status_of(pod, seen, **inputs)) == expected


def test_a_terminated_container_tells_code_message_and_times() -> None:
    status = status_of(
        make_pod(policy="Never"), make_seen(exited(code=3)), messages={"docker://web-0": "bye"}
    )
    assert status["containerStatuses"][0]["state"]["terminated"] == {
        "exitCode": 3,
        "reason": "Error",
        "message": "bye",
        "startedAt": "1970-01-01T00:16:42Z",
        "finishedAt": "1970-01-01T00:16:45Z",
        "containerID": "docker://web-0",
    }


def test_a_lost_container_is_counted_as_a_restart() -> None:
    old = {"containerStatuses": [{"name": "web", "state": {"running": {}}, "restartCount": 2}]}
    lost = status_of(make_pod(status=old), make_seen())["containerStatuses"][0]
    assert (lost["restartCount"], lost["lastState"]["terminated"]["reason"]) == (3, "ContainerStatusUnknown")


ENDED = {"terminated": {"reason": "Error", "exitCode": 1}}
DELETED = {"deletionTimestamp": NOW}


@pytest.mark.parametrize(
    ("last", "meta", "expected"),
    [
        pytest.param(
            ENDED, {}, "waiting:ContainerCreating last=Error ready=False restarts=4", id="its end is known"
        ),
        pytest.param(
            {},
            DELETED,
            "waiting:ContainerCreating last=ContainerStatusUnknown ready=False restarts=4",
            id="not when it is deleted",
        ),
    ],
)
def test_a_lost_container_is_no_restart(last: Object, meta: Object, expected: str) -> None:
    old = {"name": "web", "state": {"running": {}}, "lastState": last, "restartCount": 4}
    status = status_of(make_pod(meta=meta, status={"containerStatuses": [old]}))
    assert brief(status) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            make_seen(exited(code=1)), "terminated:Error ready=False restarts=0", id="its end is told"
        ),
        pytest.param(None, "waiting:ContainerCreating ready=False restarts=0", id="nothing was made"),
    ],
)
def test_of_a_pod_that_is_deleted_nothing_waits_to_be_tried_again(
    seen: RuntimePod | None, expected: str
) -> None:
    assert brief(status_of(make_pod(meta=DELETED), seen, failures=CRASH)) == expected


ASKING = {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}


@pytest.mark.parametrize(
    ("resources", "seen", "expected"),
    [
        pytest.param({}, make_seen(running()), {"resources": {}}, id="none asked for"),
        pytest.param(
            ASKING,
            make_seen(exited()),
            {"resources": ASKING, "allocatedResources": {"cpu": "1"}},
            id="of one that is over, too",
        ),
        pytest.param(ASKING, None, {}, id="not of one that was never made"),
    ],
)
def test_resources_are_told_of_what_was_made(
    resources: Object, seen: RuntimePod | None, expected: Object
) -> None:
    (status,) = status_of(make_pod(make_container(resources=resources)), seen)["containerStatuses"]
    assert {key: status[key] for key in ("resources", "allocatedResources") if key in status} == expected


def test_containers_are_sorted_by_name_and_init_containers_are_not() -> None:
    pod = make_pod(make_container("z"), make_container("a"), init=(make_container("y"), make_container("b")))
    status = status_of(pod)
    assert [each["name"] for each in status["containerStatuses"]] == ["a", "z"]
    assert [each["name"] for each in status["initContainerStatuses"]] == ["y", "b"]


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
