"""Taints and tolerations: which pods a node keeps away."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from apimachinery.objects import Object

NO_SCHEDULE = "NoSchedule"
PREFER_NO_SCHEDULE = "PreferNoSchedule"
NO_EXECUTE = "NoExecute"

NODE_NOT_READY = "node.kubernetes.io/not-ready"
NODE_UNREACHABLE = "node.kubernetes.io/unreachable"
NODE_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NODE_MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure"
NODE_DISK_PRESSURE = "node.kubernetes.io/disk-pressure"
NODE_PID_PRESSURE = "node.kubernetes.io/pid-pressure"
NODE_NETWORK_UNAVAILABLE = "node.kubernetes.io/network-unavailable"
NODE_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def tolerates(toleration: Object, taint: Object) -> bool:
    """An empty effect or key (with Exists) of a toleration matches all."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint.get("effect"):
        return False
    if key and key != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    return operator == "Equal" and (toleration.get("value") or "") == (taint.get("value") or "")


def find_untolerated(
    taints: Sequence[Object], tolerations: Sequence[Object], effects: Collection[str]
) -> Object | None:
    """The first taint of one of these effects that nothing tolerates."""
    for taint in taints:
        if taint.get("effect") in effects and not any(tolerates(each, taint) for each in tolerations):
            return taint
    return None
