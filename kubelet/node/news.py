"""What becomes of a Node, as its Events tell it. Pure.

Source: pkg/kubelet/nodestatus/setters.go and kubelet_node_status.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path
from client.events import NORMAL, WARNING


class News(NamedTuple):
    type: str
    reason: str
    message: str


_PRESSURES = {
    "MemoryPressure": ("NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
    "DiskPressure": ("NodeHasNoDiskPressure", "NodeHasDiskPressure"),
    "PIDPressure": ("NodeHasSufficientPID", "NodeHasInsufficientPID"),
}


def news_of_status(name: str, old: Object, new: Object) -> Iterator[News]:
    """What has changed; of a node that has just been made, that nothing presses it."""
    boot, booted = get_path(old, "nodeInfo.bootID"), get_path(new, "nodeInfo.bootID")
    if boot and boot != booted:
        yield News(WARNING, "Rebooted", f"Node {name} has been rebooted, boot id: {booted}")
    for condition, (good, bad) in _PRESSURES.items():
        before, now = _status(old, condition), _status(new, condition)
        if before != now:
            yield _now(name, bad if now == "True" else good)
    if _status(old, "Ready") not in (None, _status(new, "Ready")):
        yield _now(name, "NodeReady" if _status(new, "Ready") == "True" else "NodeNotReady")


def news_of_spec(name: str, old: Object, new: Object) -> Iterator[News]:
    before, now = (bool(get_path(each, "spec.unschedulable")) for each in (old, new))
    if before != now:
        yield _now(name, "NodeNotSchedulable" if now else "NodeSchedulable")


def _status(status: Object, condition: str) -> str | None:
    found = find_condition(status.get("conditions") or [], condition)
    return None if found is None else str(found["status"])


def _now(name: str, reason: str) -> News:
    return News(NORMAL, reason, f"Node {name} status is now: {reason}")
