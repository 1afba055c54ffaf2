"""What is planned for a pod, from what is wanted and what is seen."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.pods.actions import KillContainer, KillReason, PodActions, compute_pod_actions
from kubelet.pods.seen import Verdicts
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

TWO = (make_container("a"), make_container("b"))
DEBUGGER = make_container("debugger")
INIT = (make_container("i"), make_container("j"))
WEB = "docker://web-0"
SIDE = "docker://side-0"


def kill(name: str, reason: KillReason, message: str) -> KillContainer:
    return KillContainer(f"docker://{name}-0", name, message, reason)


def go_on(*start: str, kill: tuple[KillContainer, ...] = ()) -> PodActions:
    return PodActions(sandbox_id="sandbox", start=start, kill=kill)


LIVENESS = kill("web", KillReason.LIVENESS, "Container web failed liveness probe, will be restarted")
STARTUP = kill("web", KillReason.STARTUP, "Container web failed startup probe, will be restarted")
NOT_AGAIN = kill("web", KillReason.LIVENESS, "Container web failed liveness probe")
CHANGED = kill("web", KillReason.CHANGED, "Container web definition changed, will be restarted")
SIDE_DOWN = kill("side", KillReason.LIVENESS, "Init container side failed liveness probe")
UNHEALTHY = Verdicts(liveness={WEB: False})
STARTED = Verdicts(startup={SIDE: True})
SLOW_SIDE = make_sidecar(startupProbe={"exec": {}})

RULED = {"restartPolicy": "Never", "restartPolicyRules": [
    {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
]}  # fmt: skip
STUBBORN = make_container("b", restartPolicy="Always")

CASES: list[Any] = [
    (
        "a rule restarts what the policy would leave",
        make_pod(make_container("a", **RULED), make_container("b")),
        make_seen(exited("a", 42), running("b")),
        go_on("a"),
    ),
    (
        "no rule is met, the container's own policy counts",
        make_pod(make_container("a", **RULED), make_container("b")),
        make_seen(exited("a", 1), running("b")),
        go_on(),
    ),
    (
        "a policy of its own beats the pod's",
        make_pod(make_container("a"), STUBBORN, policy="Never"),
        make_seen(exited("a"), exited("b")),
        go_on("b"),
    ),
    (
        "an init container is tried again by its rules",
        make_pod(init=(make_container("i", **RULED),), policy="Never"),
        make_seen(exited("i", 42)),
        go_on("i"),
    ),
    (
        "an init container of its own policy fails the pod",
        make_pod(init=(make_container("i", **RULED),)),
        make_seen(exited("i", 1)),
        PodActions(kill_pod=True),
    ),
    (
        "with a new sandbox only what may begin again does",
        make_pod(make_container("a"), STUBBORN, policy="Never"),
        make_seen(exited("a"), exited("b"), ready=False),
        PodActions(kill_pod=True, create_sandbox=True, attempt=1, start=("b",)),
    ),
    (
        "with a new sandbox what ran and may not begin again stays away",
        make_pod(make_container("a"), make_container("c", **RULED), STUBBORN, policy="Never"),
        make_seen(running("a"), running("c"), running("b"), ready=False),
        PodActions(kill_pod=True, create_sandbox=True, attempt=1, start=("b",)),
    ),
    (
        "a new pod gets a sandbox and all its containers",
        make_pod(*TWO),
        None,
        PodActions(create_sandbox=True, start=("a", "b")),
    ),
    (
        "a new pod with init containers starts with the first",
        make_pod(init=INIT),
        None,
        PodActions(create_sandbox=True, start=("i",)),
    ),
    ("a sandbox that waits gets its containers", make_pod(*TWO), make_seen(), go_on("a", "b")),
    ("a running pod needs nothing", make_pod(), make_seen(running()), go_on()),
    (
        "an ephemeral container is started in a running pod",
        make_pod(ephemeralContainers=[DEBUGGER]),
        make_seen(running()),
        go_on("debugger"),
    ),
    (
        "an ephemeral container is started once",
        make_pod(ephemeralContainers=[DEBUGGER]),
        make_seen(running(), exited("debugger", 1)),
        go_on(),
    ),
    (
        "an ephemeral container need not wait for init containers",
        make_pod(init=INIT, ephemeralContainers=[DEBUGGER]),
        make_seen(running("i")),
        go_on("debugger"),
    ),
    (
        "an ephemeral container keeps no pod alive",
        make_pod(policy="Never", ephemeralContainers=[DEBUGGER]),
        make_seen(exited(), running("debugger")),
        PodActions(kill_pod=True),
    ),
    (
        "a dead sandbox takes the pod down and up again",
        make_pod(),
        make_seen(running(), ready=False),
        PodActions(kill_pod=True, create_sandbox=True, attempt=1, start=("web",)),
    ),
    (
        "a dead sandbox of a Never pod ends it",
        make_pod(policy="Never"),
        make_seen(running(), ready=False),
        PodActions(kill_pod=True),
    ),
    (
        "a dead sandbox of a Never pod without containers is replaced",
        make_pod(policy="Never"),
        make_seen(ready=False),
        PodActions(kill_pod=True, create_sandbox=True, attempt=1, start=("web",)),
    ),
    (
        "what has succeeded is not started in a new sandbox",
        make_pod(*TWO, policy="OnFailure"),
        make_seen(exited("a"), exited("b", 1), ready=False),
        PodActions(kill_pod=True, create_sandbox=True, attempt=1, start=("b",)),
    ),
    (
        "a dead sandbox with all containers succeeded ends the pod",
        make_pod(policy="OnFailure"),
        make_seen(exited(), ready=False),
        PodActions(kill_pod=True),
    ),
    ("Always restarts what has succeeded", make_pod(), make_seen(exited()), go_on("web")),
    (
        "OnFailure restarts what has failed",
        make_pod(policy="OnFailure"),
        make_seen(exited(code=1)),
        go_on("web"),
    ),
    (
        "OnFailure ends with the last success",
        make_pod(policy="OnFailure"),
        make_seen(exited()),
        PodActions(kill_pod=True),
    ),
    (
        "Never restarts nothing",
        make_pod(*TWO, policy="Never"),
        make_seen(exited("a", 1), running("b")),
        go_on(),
    ),
    (
        "Never ends with the last container",
        make_pod(policy="Never"),
        make_seen(exited(code=3)),
        PodActions(kill_pod=True),
    ),
    ("what could not start is tried again", make_pod(), make_seen(failed_to_start()), go_on("web")),
    (
        "Never does not try again what could not start",
        make_pod(policy="Never"),
        make_seen(failed_to_start()),
        PodActions(kill_pod=True),
    ),
    ("only the newest attempt counts", make_pod(), make_seen(running(attempt=1), exited(code=1)), go_on()),
    (
        "another image replaces the container",
        make_pod(),
        make_seen(running(image="other")),
        go_on("web", kill=(CHANGED,)),
    ),
    (
        "another image replaces even in a Never pod",
        make_pod(policy="Never"),
        make_seen(running(image="other")),
        go_on("web", kill=(CHANGED,)),
    ),
    ("the first init container runs: wait", make_pod(init=INIT), make_seen(running("i")), go_on()),
    ("the second init container follows the first", make_pod(init=INIT), make_seen(exited("i")), go_on("j")),
    (
        "the containers follow the last init container",
        make_pod(init=INIT),
        make_seen(exited("i"), exited("j")),
        go_on("web"),
    ),
    ("a failed init container is tried again", make_pod(init=INIT), make_seen(exited("i", 1)), go_on("i")),
    (
        "a failed init container of a Never pod ends it",
        make_pod(init=INIT, policy="Never"),
        make_seen(exited("i", 1)),
        PodActions(kill_pod=True),
    ),
    (
        "init containers are not run again once the pod is up",
        make_pod(init=INIT),
        make_seen(exited()),
        go_on("web"),
    ),
    (
        "init containers run again in a new sandbox",
        make_pod(init=INIT),
        make_seen(exited("i"), exited(), attempt=1, boot=BOOT + 60),
        go_on("i"),
    ),
    (
        "a sidecar holds the others until it runs",
        make_pod(init=(make_sidecar(),)),
        make_seen(),
        go_on("side"),
    ),
    (
        "a running sidecar lets the containers start",
        make_pod(init=(make_sidecar(),)),
        make_seen(running("side")),
        go_on("web"),
    ),
    (
        "a dead sidecar is started again beside the containers",
        make_pod(init=(make_sidecar(),)),
        make_seen(exited("side"), running()),
        go_on("side"),
    ),
    (
        "all containers done ends the pod in spite of its sidecar",
        make_pod(init=(make_sidecar(),), policy="OnFailure"),
        make_seen(running("side"), exited()),
        PodActions(kill_pod=True),
    ),
]


@pytest.mark.parametrize(
    ("pod", "seen", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_plan(pod: Object, seen: RuntimePod | None, expected: PodActions) -> None:
    assert compute_pod_actions(pod, seen) == expected


VERDICT_CASES: list[Any] = [
    (
        "a container that is not alive is restarted",
        make_pod(),
        make_seen(running()),
        UNHEALTHY,
        go_on("web", kill=(LIVENESS,)),
    ),
    (
        "a container that is not alive is only killed in a Never pod",
        make_pod(make_container(), make_container("b"), policy="Never"),
        make_seen(running(), running("b")),
        UNHEALTHY,
        go_on(kill=(NOT_AGAIN,)),
    ),
    (
        "the last container of a Never pod takes the pod with it",
        make_pod(policy="Never"),
        make_seen(running()),
        UNHEALTHY,
        PodActions(kill_pod=True),
    ),
    (
        "a container that does not get up is restarted",
        make_pod(),
        make_seen(running()),
        Verdicts(startup={WEB: False}),
        go_on("web", kill=(STARTUP,)),
    ),
    (
        "the verdict on a former incarnation is void",
        make_pod(),
        make_seen(running(attempt=1)),
        UNHEALTHY,
        go_on(),
    ),
    (
        "readiness restarts nothing",
        make_pod(),
        make_seen(running()),
        Verdicts(readiness={WEB: False}),
        go_on(),
    ),
    (
        "a sidecar holds the others until its startup probe succeeds",
        make_pod(init=(SLOW_SIDE,)),
        make_seen(running("side")),
        Verdicts(),
        go_on(),
    ),
    (
        "a sidecar that has started lets the others go",
        make_pod(init=(SLOW_SIDE,)),
        make_seen(running("side")),
        STARTED,
        go_on("web"),
    ),
    (
        "a sidecar that is not alive is restarted",
        make_pod(init=(make_sidecar(),)),
        make_seen(running("side"), running()),
        Verdicts(liveness={SIDE: False}),
        go_on("side", kill=(SIDE_DOWN,)),
    ),
]


@pytest.mark.parametrize(
    ("pod", "seen", "verdicts", "expected"),
    [row[1:] for row in VERDICT_CASES],
    ids=[row[0] for row in VERDICT_CASES],
)
def test_plan_with_probes(pod: Object, seen: RuntimePod, verdicts: Verdicts, expected: PodActions) -> None:
    assert compute_pod_actions(pod, seen, verdicts) == expected
