"""What a node's conditions and spec make of its taints, and what silence makes of its conditions. Pure.

Source: pkg/controller/nodelifecycle/node_lifecycle_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery import conditions, taints
from apimachinery.objects import Object, get_path

PRESSURES = {
    "MemoryPressure": taints.NODE_MEMORY_PRESSURE,
    "DiskPressure": taints.NODE_DISK_PRESSURE,
    "PIDPressure": taints.NODE_PID_PRESSURE,
    "NetworkUnavailable": taints.NODE_NETWORK_UNAVAILABLE,
}
STOPPED = "NodeStatusUnknown"
NEVER = "NodeStatusNeverUpdated"
OURS = {
    *PRESSURES.values(),
    taints.NODE_NOT_READY,
    taints.NODE_UNREACHABLE,
    taints.NODE_UNSCHEDULABLE,
}


def wanted_taints(node: Object) -> list[tuple[str, str]]:
    """(key, effect) of every taint that the node's conditions and spec call for."""
    ready = (conditions.condition_of(node, "Ready") or {}).get("status", "Unknown")
    wanted: list[tuple[str, str]] = []
    if ready == "False":
        wanted += [(taints.NODE_NOT_READY, effect) for effect in (taints.NO_SCHEDULE, taints.NO_EXECUTE)]
    elif ready == "Unknown":
        wanted += [(taints.NODE_UNREACHABLE, effect) for effect in (taints.NO_SCHEDULE, taints.NO_EXECUTE)]
    if node["spec"].get("unschedulable"):
        wanted.append((taints.NODE_UNSCHEDULABLE, taints.NO_SCHEDULE))
    for condition, key in PRESSURES.items():
        if conditions.is_condition_true(node, condition):
            wanted.append((key, taints.NO_SCHEDULE))
    return wanted


def without_eviction(wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(key, effect) for key, effect in wanted if effect != taints.NO_EXECUTE]


def is_evicting(node: Object) -> bool:
    """Whether the node has one of our taints that make pods leave it."""
    return any(
        taint["effect"] == taints.NO_EXECUTE and taint["key"] in OURS
        for taint in node["spec"].get("taints") or ()
    )


def plan_taints(
    current: Sequence[Object], wanted: Sequence[tuple[str, str]], now: str
) -> list[Object] | None:
    """The new list of taints, or None if it is as it should be. Others' taints stay."""
    kept = [t for t in current if t["key"] not in OURS or (t["key"], t["effect"]) in wanted]
    present = {(taint["key"], taint["effect"]) for taint in kept}
    added = [_taint(key, effect, now) for key, effect in wanted if (key, effect) not in present]
    return None if not added and len(kept) == len(current) else [*kept, *added]


def _taint(key: str, effect: str, now: str) -> Object:
    timed = {"timeAdded": now} if effect == taints.NO_EXECUTE else {}
    return {"key": key, "effect": effect, **timed}


def unknown_conditions(node: Object, now: str) -> list[Object]:
    """The node's conditions with those that the kubelet owns turned to Unknown."""
    listed = [dict(each) for each in get_path(node, "status.conditions", [])]
    for kind in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"):
        old = conditions.find_condition(listed, kind)
        if old is None:
            reason, message = NEVER, "Kubelet never posted node status."
            heard = node["metadata"]["creationTimestamp"]
        else:
            reason, message = STOPPED, "Kubelet stopped posting node status."
            heard = old.get("lastHeartbeatTime")
        condition = {
            "type": kind,
            "status": "Unknown",
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": heard,
        }
        if old is None or old.get("status") != "Unknown":
            conditions.set_condition(listed, condition, now)
    return listed
