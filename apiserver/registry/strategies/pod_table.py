"""One line about a pod: how far it is, as `kubectl get pods` shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.tables import NONE, age, columns, since
from apiserver.registry.strategy import Column

COLUMNS = columns(
    "Ready",
    "Status",
    "Restarts",
    wide=(
        Column("IP", priority=1),
        Column("Node", priority=1),
        Column("Nominated Node", priority=1),
        Column("Readiness Gates", priority=1),
    ),
)
_COMPLETED = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}
_UNREACHABLE = "NodeLost"


def completion_condition(pod: Object) -> list[Object]:
    """Clients hide rows of pods that have ended."""
    phase = get_path(pod, "status.phase")
    if phase not in _COMPLETED:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": _COMPLETED[phase]}]


def pod_cells(pod: Object, now: datetime) -> list[Any]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    progress = _Progress(spec, status, sidecars)
    restarts = str(progress.restarts)
    if progress.restarts and progress.last_restart:
        restarts = f"{progress.restarts} ({since(progress.last_restart, now)} ago)"
    return [
        pod["metadata"]["name"],
        f"{progress.ready}/{len(spec.get('containers') or ()) + len(sidecars)}",
        _ending(pod, status) or progress.reason,
        restarts,
        age(pod, now),
        next((ip.get("ip") for ip in status.get("podIPs") or ()), None) or status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def _ending(pod: Object, status: Object) -> str:
    if not pod["metadata"].get("deletionTimestamp"):
        return ""
    if status.get("reason") == _UNREACHABLE:
        return "Unknown"
    return "" if status.get("phase") in _COMPLETED else "Terminating"


def _gates(pod: Object) -> str:
    gates = get_path(pod, "spec.readinessGates") or ()
    passed = sum(is_condition_true(pod, gate.get("conditionType")) for gate in gates)
    return f"{passed}/{len(gates)}" if gates else NONE


class _Progress:
    """The walk over container statuses that finds the reason, what is ready and what was restarted."""

    def __init__(self, spec: Object, status: Object, sidecars: set[Any]) -> None:
        self.reason = status.get("reason") or status.get("phase") or ""
        self.ready = self.restarts = 0
        self.last_restart: str | None = None
        self._sidecar_restarts = 0
        self._last_sidecar_restart: str | None = None
        for condition in status.get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
                self.reason = "SchedulingGated"
        initializing = self._walk_init(spec, status, sidecars)
        if not initializing or is_condition_true({"status": status}, "Initialized"):
            self._walk(status)

    def _walk_init(self, spec: Object, status: Object, sidecars: set[Any]) -> bool:
        total = len(spec.get("initContainers") or ())
        for index, container in enumerate(status.get("initContainerStatuses") or ()):
            self.restarts += container.get("restartCount") or 0
            self.last_restart = _latest(self.last_restart, container)
            is_sidecar = container.get("name") in sidecars
            if is_sidecar:
                self._sidecar_restarts += container.get("restartCount") or 0
                self._last_sidecar_restart = _latest(self._last_sidecar_restart, container)
            state = container.get("state") or {}
            ended, waiting = state.get("terminated"), state.get("waiting")
            if ended is not None and not ended.get("exitCode"):
                continue
            if is_sidecar and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            if ended is not None:
                self.reason = f"Init:{_ended(ended)}"
            elif waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
                self.reason = f"Init:{waiting['reason']}"
            else:
                self.reason = f"Init:{index}/{total}"
            return True
        return False

    def _walk(self, status: Object) -> None:
        self.restarts, self.last_restart = self._sidecar_restarts, self._last_sidecar_restart
        running = False
        for container in reversed(status.get("containerStatuses") or ()):
            self.restarts += container.get("restartCount") or 0
            self.last_restart = _latest(self.last_restart, container)
            state = container.get("state") or {}
            if (state.get("waiting") or {}).get("reason"):
                self.reason = state["waiting"]["reason"]
            elif state.get("terminated") is not None:
                self.reason = _ended(state["terminated"])
            elif container.get("ready") and state.get("running") is not None:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            self.reason = "Running" if is_condition_true({"status": status}, "Ready") else "NotReady"


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _latest(seen: str | None, container: Object) -> str | None:
    """RFC 3339 times of one form sort as text."""
    finished = get_path(container, "lastState.terminated.finishedAt")
    return max(filter(None, (seen, finished)), default=None)
