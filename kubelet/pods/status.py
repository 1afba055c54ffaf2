"""The status of a pod as a pure function: phase, conditions, container statuses, addresses.

`pod["status"]` is what the API last knew; the engine and the probers say the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from apimachinery.conditions import find_condition, set_condition
from apimachinery.objects import Object
from apimachinery.pods import is_sidecar, qos_class, restarts_after
from kubelet.pods.allocation import IN_PROGRESS, PENDING, RESIZE_CONDITIONS
from kubelet.pods.container_status import (
    StatusInputs,
    container_statuses,
    ephemeral_container_statuses,
    init_container_statuses,
)
from kubelet.pods.seen import newest_sandbox
from kubelet.pods.settled import settled

OWNED_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
DISRUPTION = "DisruptionTarget"
TERMINAL = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the node ends a pod: refused at the door, past its deadline, evicted."""

    reason: str
    message: str
    disruption: str = ""
    """What the DisruptionTarget condition says where a pod ends for the sake of others, not by its fault."""


def pod_status(
    pod: Object, inputs: StatusInputs, host_ips: Sequence[str], now: str, *, ended: Verdict | None = None
) -> Object:
    """The whole status to report. `ended` makes it Failed with a reason."""
    old = pod.get("status") or {}
    inits = init_container_statuses(pod, inputs)
    containers = container_statuses(pod, inputs)
    # Conditions are of what was seen; that it ends, and how what nobody knows of ended, is said after that.
    seen = _phase(pod, inits, containers, terminal=inputs.ending)
    final = old["phase"] if old.get("phase") in TERMINAL else "Failed" if ended else ""
    conditions = _conditions(pod, inputs, final or seen, inits, containers, now, ended=ended)
    if inputs.ending:
        inits, containers = settled(pod, inits, containers)
    phase = final or pod_phase(pod, inits, containers, terminal=inputs.ending)
    status: Object = {
        **{key: old[key] for key in ("nominatedNodeName", "resize") if key in old},
        **_observed(pod),
        "phase": phase,
        "conditions": conditions,
        **_addresses(pod, inputs, host_ips),
        "startTime": old.get("startTime") or now,
        "qosClass": old.get("qosClass") or qos_class(pod),
    }
    if ended or old.get("reason"):
        status["reason"] = ended.reason if ended else old["reason"]
        message = ended.message if ended else old.get("message")
        status |= {"message": message} if message else {}
    ephemeral = ephemeral_container_statuses(pod, inputs)
    return {
        **status,
        **({"initContainerStatuses": inits} if inits else {}),
        "containerStatuses": containers,
        **({"ephemeralContainerStatuses": ephemeral} if ephemeral else {}),
    }


def rejected_status(pod: Object, verdict: Verdict, now: str) -> Object:
    """Of a pod that this node did not admit: nothing of it was ever made, and no condition is told."""
    old = pod.get("status") or {}
    return {
        **_observed(pod),
        "phase": "Failed",
        "reason": verdict.reason,
        "message": f"Pod was rejected: {verdict.message}",
        "startTime": now,
        "qosClass": old.get("qosClass") or qos_class(pod),
    }


def _observed(pod: Object) -> Object:
    generation = (pod.get("metadata") or {}).get("generation")
    return {"observedGeneration": generation} if generation else {}


def pod_phase(pod: Object, inits: list[Object], containers: list[Object], *, terminal: bool = False) -> str:
    """One word for all containers; `terminal` when nothing will be started any more, nor runs."""
    phase = _phase(pod, inits, containers, terminal=terminal)
    return "Failed" if terminal and phase not in TERMINAL else phase


def _phase(pod: Object, inits: list[Object], containers: list[Object], *, terminal: bool) -> str:
    spec = pod.get("spec") or {}
    sidecars = {each["name"] for each in spec.get("initContainers") or () if is_sidecar(each)}
    regular = [each for each in inits if each["name"] not in sidecars]
    if any(_exit_code(each) and not _restarts(spec, "initContainers", each) for each in regular):
        return "Failed"
    if not _any_ran(containers) and not all(
        _done(each) for each in regular
    ):  # a regular container proves that they are
        return "Pending"
    waiting, running, stopped, succeeded = _count(containers)
    if waiting:
        return "Pending"
    if running:
        return "Running"
    if not stopped:
        return "Pending"
    if terminal:
        return "Succeeded" if stopped == succeeded else "Failed"
    if any(_restarts(spec, "containers", each) for each in containers):
        return "Running"
    return "Succeeded" if stopped == succeeded else "Failed"


def _restarts(spec: Object, kind: str, status: Object) -> bool:
    """Whether what has ended runs again."""
    own = [each for each in spec.get(kind) or () if each["name"] == status["name"]]
    return restarts_after(spec, own[0] if own else {}, _exit_code(status))


def _any_ran(containers: list[Object]) -> bool:
    return any(
        each["state"].keys() & {"running", "terminated"} or each.get("lastState") for each in containers
    )


def _exit_code(status: Object) -> int:
    ended = _termination(status)
    return ended["exitCode"] if ended else 0


def _termination(status: Object) -> Object | None:
    """Its end, or the end of the run before if it waits to be restarted."""
    if "waiting" in status["state"]:
        return cast(Object | None, (status.get("lastState") or {}).get("terminated"))
    return cast(Object | None, status["state"].get("terminated"))


def _done(status: Object) -> bool:
    ended = status["state"].get("terminated")
    return ended is not None and ended["exitCode"] == 0


def _count(containers: list[Object]) -> tuple[int, int, int, int]:
    """(waiting, running, stopped, succeeded); one that waits for its restart counts as stopped."""
    running = sum("running" in each["state"] for each in containers)
    ends = [_termination(each) for each in containers]
    stopped = sum(end is not None for end in ends)
    succeeded = sum(end is not None and end["exitCode"] == 0 for end in ends)
    return len(containers) - running - stopped, running, stopped, succeeded


def _conditions(
    pod: Object,
    inputs: StatusInputs,
    phase: str,
    inits: list[Object],
    containers: list[Object],
    now: str,
    *,
    ended: Verdict | None,
) -> list[Object]:
    """The kubelet's own; those of others, which readiness gates ask for, are theirs to change."""
    old = (pod.get("status") or {}).get("conditions") or []
    conditions = [dict(each) for each in old if each["type"] not in _resize_gone(inputs)]
    own = {*OWNED_CONDITIONS, *RESIZE_CONDITIONS}
    if ended is not None and ended.disruption:
        own.add(DISRUPTION)
        disruption = {"type": DISRUPTION, "status": "True", "reason": "TerminationByKubelet"}
        set_condition(conditions, {**_observed(pod), **disruption, "message": ended.disruption}, now)
    ready_containers = _containers_ready(pod, phase, inits, containers)
    wanted = [
        *_resize_conditions(inputs),
        _ready_to_start(pod, inputs),
        _initialized(pod, phase, inits, containers),
        _ready(pod, ready_containers, conditions),
        ready_containers,
        {"type": "PodScheduled", "status": "True"},
    ]
    for condition in wanted:
        set_condition(conditions, {"lastProbeTime": None, **_observed(pod), **condition}, now)
    order = {name: index for index, name in enumerate(OWNED_CONDITIONS)}
    said = [each for each in conditions if each["type"] in own]
    return sorted(said, key=lambda each: order.get(each["type"], -1))


def _resize_conditions(inputs: StatusInputs) -> Iterator[Object]:
    if inputs.pending:
        reason, message = inputs.pending.reason, inputs.pending.message
        yield {"type": PENDING, "status": "True", "reason": reason, "message": message}
    if inputs.resizing:
        error = {"reason": "Error", "message": inputs.resize_error} if inputs.resize_error else {}
        observed = {"observedGeneration": inputs.resize_generation} if inputs.resize_generation else {}
        yield {"type": IN_PROGRESS, "status": "True", **observed, **error}


def _resize_gone(inputs: StatusInputs) -> set[str]:
    """They are there only while they are true."""
    return set(RESIZE_CONDITIONS) - {each["type"] for each in _resize_conditions(inputs)}


def _ready_to_start(pod: Object, inputs: StatusInputs) -> Object:
    sandbox = newest_sandbox(inputs.seen)
    host_network = bool((pod.get("spec") or {}).get("hostNetwork"))
    up = sandbox is not None and sandbox.ready and (bool(sandbox.ips) or host_network)
    return {"type": "PodReadyToStartContainers", "status": "True" if up else "False"}


def _initialized(pod: Object, phase: str, inits: list[Object], containers: list[Object]) -> Object:
    if phase == "Succeeded":
        return {"type": "Initialized", "status": "True", "reason": "PodCompleted"}
    incomplete = (
        [] if _any_ran(containers) else [each["name"] for each in inits if not _init_complete(pod, each)]
    )
    if not incomplete:
        return {"type": "Initialized", "status": "True"}
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return {
        "type": "Initialized",
        "status": "False",
        "reason": "ContainersNotInitialized",
        "message": message,
    }


def _init_complete(pod: Object, status: Object) -> bool:
    spec = pod.get("spec") or {}
    sidecar = any(
        each["name"] == status["name"] and is_sidecar(each) for each in spec.get("initContainers") or ()
    )
    return bool(status["started"]) if sidecar else bool(status["ready"])


def _containers_ready(pod: Object, phase: str, inits: list[Object], containers: list[Object]) -> Object:
    over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase)
    if over:
        return {"type": "ContainersReady", "status": "False", "reason": over}
    spec = pod.get("spec") or {}
    sidecars = {each["name"] for each in spec.get("initContainers") or () if is_sidecar(each)}
    in_order = [
        each["name"] for each in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    ]
    ready = {each["name"]: each["ready"] for each in [*inits, *containers]}
    regular = {each["name"] for each in containers}
    unready = [name for name in in_order if name in sidecars | regular and not ready.get(name)]
    if not unready:
        return {"type": "ContainersReady", "status": "True"}
    message = f"containers with unready status: [{' '.join(unready)}]"
    return {"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady", "message": message}


def _ready(pod: Object, containers_ready: Object, conditions: list[Object]) -> Object:
    """Containers are ready, and every readiness gate says so, too."""
    if containers_ready["status"] != "True":
        return {**containers_ready, "type": "Ready"}
    complaints = [
        complaint
        for gate in (pod.get("spec") or {}).get("readinessGates") or ()
        if (complaint := _gate_complaint(gate["conditionType"], conditions))
    ]
    if not complaints:
        return {"type": "Ready", "status": "True"}
    message = ", ".join(complaints)
    return {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": message}


def _gate_complaint(gate: str, conditions: list[Object]) -> str:
    found = find_condition(conditions, gate)
    if found is None:
        return f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    if found["status"] == "True":
        return ""
    return f'the status of pod readiness gate "{gate}" is not "True", but {found["status"]}'


def _addresses(pod: Object, inputs: StatusInputs, host_ips: Sequence[str]) -> Object:
    """The sandbox's addresses; the last known ones once it is gone."""
    addresses: Object = {"hostIP": host_ips[0], "hostIPs": _ips(host_ips)} if host_ips else {}
    sandbox = newest_sandbox(inputs.seen)
    ips = tuple(sandbox.ips) if sandbox is not None and sandbox.ready else ()
    if sandbox is not None and (pod.get("spec") or {}).get("hostNetwork"):
        ips = tuple(host_ips)
    if not ips:
        old = pod.get("status") or {}
        ips = tuple(each["ip"] for each in old.get("podIPs") or ())
    if ips:
        addresses |= {"podIP": ips[0], "podIPs": _ips(ips)}
    return addresses


def _ips(addresses: Sequence[str]) -> list[Object]:
    return [{"ip": address} for address in addresses]
