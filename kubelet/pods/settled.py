"""What is said of containers that never came to run when their pod is over: that nobody knows how they ended.

Source: pkg/kubelet/status/status_manager.go (TerminatePod) of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.objects import Object
from apimachinery.pods import is_sidecar
from kubelet.pods.container_status import unknown_end


def settled(pod: Object, inits: list[Object], containers: list[Object]) -> tuple[list[Object], list[Object]]:
    """Init containers up to the last that ran, and containers if all init containers are through."""
    reached = _reached(inits)
    inits = [*map(_ended, inits[:reached]), *inits[reached:]]
    if _is_initialized(pod, inits, containers):
        containers = [_ended(each) for each in containers]
    return inits, containers


def _ended(status: Object) -> Object:
    return status if "terminated" in status["state"] else {**status, "state": unknown_end("terminated")}


def _has_moved(status: Object) -> bool:
    return "waiting" not in status["state"] or "terminated" in (status.get("lastState") or {})


def _reached(inits: list[Object]) -> int:
    """How many init containers are counted as tried: the first always is."""
    moved = [index for index, each in enumerate(inits, 1) if _has_moved(each)]
    return max(moved, default=min(1, len(inits)))


def _is_initialized(pod: Object, inits: list[Object], containers: list[Object]) -> bool:
    if not inits or any(_has_moved(each) for each in containers):
        return True
    spec = pod["spec"]["initContainers"][-1]
    if is_sidecar(spec):
        return bool(inits[-1].get("started"))
    ends = [inits[-1]["state"].get("terminated"), (inits[-1].get("lastState") or {}).get("terminated")]
    return any(end is not None and end["exitCode"] == 0 for end in ends)
