"""Container statuses: from the spec, the engine's containers and the probers' verdicts. Pure.

A container shows its newest incarnation, or why the next one has not started; the one before is its
lastState.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

from apimachinery.objects import Object, get_path, is_terminating
from apimachinery.pods import is_sidecar
from apimachinery.times import format_time
from kubelet.pods.actions import restarts_after_failure, should_restart
from kubelet.pods.allocation import PendingResize
from kubelet.pods.seen import NO_VERDICTS, Verdicts, containers_named, has_started
from kubelet.runtime.interface import ContainerState, RuntimeContainer, RuntimePod

START_ERROR_EXIT_CODE = 128
_OOM_KILLED = "OOMKilled"


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why a container does not run yet: the waiting state's reason and message."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """Everything but the pod that its status is made of."""

    seen: RuntimePod | None = None
    verdicts: Verdicts = NO_VERDICTS
    failures: Mapping[str, StartFailure] = field(default_factory=dict)
    """By container name."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """Termination messages by container id."""
    resizing: frozenset[str] = frozenset()
    """Containers that do not have yet what they were granted."""
    resize_generation: int | None = None
    """The pod's when it was granted them."""
    resize_error: str = ""
    pending: PendingResize | None = None
    tells_stop_signals: bool = False
    """Whether the status says how containers are stopped: behind the gate ContainerStopSignals."""
    ending: bool = False
    """The pod is being torn down, or is over: nothing starts any more."""


def container_statuses(pod: Object, inputs: StatusInputs) -> list[Object]:
    """Of the regular containers, by name as upstream sorts them."""
    spec = pod.get("spec") or {}
    statuses = [
        _container_status(pod, container, inputs, old="containerStatuses")
        for container in spec.get("containers") or ()
    ]
    return sorted(statuses, key=lambda status: cast(str, status["name"]))


def init_container_statuses(pod: Object, inputs: StatusInputs) -> list[Object]:
    """Of the init containers, in their order."""
    return [
        _container_status(pod, container, inputs, old="initContainerStatuses")
        for container in (pod.get("spec") or {}).get("initContainers") or ()
    ]


def ephemeral_container_statuses(pod: Object, inputs: StatusInputs) -> list[Object]:
    """Of the ephemeral containers: nobody asks whether they have started or are ready."""
    statuses = [
        _container_status(pod, container, inputs, old="ephemeralContainerStatuses")
        for container in (pod.get("spec") or {}).get("ephemeralContainers") or ()
    ]
    return [
        {**{key: value for key, value in each.items() if key != "started"}, "ready": False}
        for each in statuses
    ]


def _container_status(pod: Object, container: Object, inputs: StatusInputs, *, old: str) -> Object:
    name = container["name"]
    is_init = old == "initContainerStatuses"
    before = _old_status(pod, old, name)
    known = [_remembered(each, before) for each in containers_named(inputs.seen, name)]
    newest = known[0] if known else None
    if newest is None:
        return _without_container(pod, container, before, inputs)
    state, last = _states(known, inputs)
    failure = inputs.failures.get(name)
    is_ephemeral = old == "ephemeralContainerStatuses"
    waits = not is_ephemeral and _restarts(pod, container, newest, is_init=is_init) and not inputs.ending
    if failure is not None and waits and not is_terminating(pod) and "running" not in state:
        last = state if "terminated" in state else last
        state = {"waiting": _waiting(failure)}
    started = has_started(container, newest, inputs.verdicts)
    return {
        "name": name,
        "image": newest.image or container.get("image", ""),
        "imageID": newest.image_id,
        "containerID": newest.id,
        "restartCount": newest.attempt,
        "state": state,
        "lastState": last,
        "ready": _is_ready(container, newest, inputs, started=started, init=is_init),
        "started": started,
        **({"stopSignal": newest.stop_signal} if inputs.tells_stop_signals and newest.stop_signal else {}),
        **_resources(container, before if name in inputs.resizing else None),
        **_volume_mounts(container),
    }


def _remembered(container: RuntimeContainer, before: Object) -> RuntimeContainer:
    """An engine that was started anew may have forgotten why it killed a container; the API has not."""
    ends = (get_path(before, f"{each}.terminated", {}) for each in ("state", "lastState"))
    was_told = any((end.get("containerID"), end.get("reason")) == (container.id, _OOM_KILLED) for end in ends)
    return replace(container, oom_killed=True) if was_told else container


def _restarts(pod: Object, container: Object, newest: RuntimeContainer, *, is_init: bool) -> bool:
    """Whether what has ended is tried again."""
    if is_init and not is_sidecar(container):
        failed = newest.exit_code != 0 or bool(newest.error)
        return failed and restarts_after_failure(pod, container, newest)
    return should_restart(pod, container, newest)


def _old_status(pod: Object, field_name: str, name: str) -> Object:
    statuses = (pod.get("status") or {}).get(field_name) or ()
    return next((each for each in statuses if each.get("name") == name), {})


def _without_container(pod: Object, container: Object, before: Object, inputs: StatusInputs) -> Object:
    """Not made yet, or lost since: what the API knows of its past is kept."""
    if "terminated" in (before.get("state") or {}):
        return before
    status: Object = {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "restartCount": before.get("restartCount", 0),
        "state": {"waiting": _waiting(_first_reason(pod, container, inputs))},
        "lastState": before.get("lastState") or {},
        "ready": False,
        "started": False,
        **_volume_mounts(container),
    }
    if "running" in (before.get("state") or {}):
        return status | _lost(pod, before, inputs)
    return status


def _first_reason(pod: Object, container: Object, inputs: StatusInputs) -> StartFailure:
    known = inputs.failures.get(container["name"])
    if known is not None and not is_terminating(pod):
        return known
    has_init = bool((pod.get("spec") or {}).get("initContainers"))
    return StartFailure("PodInitializing" if has_init else "ContainerCreating")


def _lost(pod: Object, before: Object, inputs: StatusInputs) -> Object:
    """It ran when last reported, and the engine knows it no more."""
    if inputs.ending:
        return {"state": unknown_end("terminated")}
    if "terminated" in (before.get("lastState") or {}):
        return {}
    lost = unknown_end("deleted.  The container used to be Running")
    return {"lastState": lost, "restartCount": before.get("restartCount", 0) + (not is_terminating(pod))}


def unknown_end(when: str) -> Object:
    return {
        "terminated": {
            "exitCode": 137,
            "reason": "ContainerStatusUnknown",
            "message": f"The container could not be located when the pod was {when}",
            "startedAt": None,
            "finishedAt": None,
        }
    }


def _waiting(failure: StartFailure) -> Object:
    return {"reason": failure.reason, **({"message": failure.message} if failure.message else {})}


def _states(known: list[RuntimeContainer], inputs: StatusInputs) -> tuple[Object, Object]:
    """The state of the newest, and of the one before if that has ended."""
    state = _state(known[0], inputs)
    last = _state(known[1], inputs) if len(known) > 1 else {}
    return state, last if "terminated" in last else {}


def _state(container: RuntimeContainer, inputs: StatusInputs) -> Object:
    if container.state is ContainerState.RUNNING:
        return {"running": {"startedAt": moment(container.started_at)}}
    if container.state is ContainerState.EXITED or container.error:
        return {"terminated": _terminated(container, inputs)}
    return {"waiting": {"reason": "ContainerCreating"}}


def _terminated(container: RuntimeContainer, inputs: StatusInputs) -> Object:
    message = inputs.messages.get(container.id) or container.error
    failed_start = bool(container.error) and not container.started_at
    return {
        "exitCode": container.exit_code or (START_ERROR_EXIT_CODE if failed_start else 0),
        **({"signal": container.signal} if container.signal else {}),
        "reason": _reason(container),
        **({"message": message} if message else {}),
        "startedAt": moment(container.started_at),
        "finishedAt": moment(container.finished_at),
        "containerID": container.id,
    }


def _reason(container: RuntimeContainer) -> str:
    if container.error and not container.started_at:
        return "StartError"
    if container.oom_killed:
        return _OOM_KILLED
    return "Error" if container.exit_code else "Completed"


def _is_ready(
    container: Object, newest: RuntimeContainer, inputs: StatusInputs, *, started: bool, init: bool
) -> bool:
    if init and not is_sidecar(container):
        return newest.state is ContainerState.EXITED and newest.exit_code == 0 and not newest.error
    if not started:
        return False
    return not container.get("readinessProbe") or inputs.verdicts.readiness.get(newest.id, False)


def _resources(container: Object, before: Object | None) -> Object:
    """Resources in force, of every container that has been made; {} where it asks for none.

    `before` is the old status of a container that does not have its new resources yet.
    """
    resources = container.get("resources") or {}
    requests = resources.get("requests")
    return {
        "resources": (before or {}).get("resources") or resources,
        **({"allocatedResources": requests} if requests else {}),
    }


def _volume_mounts(container: Object) -> Object:
    mounts = [_mount_status(mount) for mount in container.get("volumeMounts") or ()]
    return {"volumeMounts": mounts} if mounts else {}


def _mount_status(mount: Object) -> Object:
    status = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        status |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
    return status


def moment(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
