"""What is reported of the containers of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.pods.container_status import StartFailure
from kubelet.pods.seen import Verdicts
from kubelet.runtime.interface import RuntimePod
from tests.unit.kubelet.builders import exited, failed_to_start, make_container, make_pod, make_seen, running
from tests.unit.kubelet.statuses import CRASH, INIT, NOW, PROBED, SLOW, brief, status_of

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


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ("docker://web-0", "terminated:OOMKilled ready=False restarts=0"),
        ("docker://web-9", "terminated:Error ready=False restarts=0"),
    ],
)
def test_why_a_container_was_killed_is_known_though_the_engine_forgets(container: str, expected: str) -> None:
    told = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "containerID": container}}
    old = {"containerStatuses": [{"name": "web", "state": told}]}
    assert brief(status_of(make_pod(policy="Never", status=old), make_seen(exited(code=137)))) == expected


def test_why_the_container_before_was_killed_is_known_though_the_engine_forgets() -> None:
    told = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "containerID": "docker://web-0"}}
    old = {"containerStatuses": [{"name": "web", "state": {"running": {}}, "lastState": told}]}
    seen = make_seen(exited(code=137), running(attempt=1))
    assert brief(status_of(make_pod(status=old), seen)) == "running last=OOMKilled ready=True restarts=1"


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
