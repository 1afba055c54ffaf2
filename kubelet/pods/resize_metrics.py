"""What Prometheus is told of resizes: asked for, waiting, under way (upstream's names and labels)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object
from apimachinery.pods import is_sidecar
from apimachinery.quantity import Quantity
from kubelet.metrics import PENDING_RESIZES, REQUESTED_RESIZES, RESIZES_IN_PROGRESS
from kubelet.pods.allocation import IN_PROGRESS, PENDING

Operation = tuple[str, str, str]
"""Resource, requests or limits, and what happens to it."""


def count_requested(old: Object, new: Object) -> bool:
    """Whether the pod asks for other resources than before."""
    operations = list(resize_operations(old, new))
    for each in operations:
        REQUESTED_RESIZES.labels(*each).inc()
    return bool(operations)


def resize_operations(old: Object, new: Object) -> Iterator[Operation]:
    """Of each container that can be resized. Pure."""
    before = _resizable(old)
    changed = (
        (before.get(name, {}), each) for name, each in _resizable(new).items() if each != before.get(name)
    )
    for was, wanted in changed:
        for resource, requirement in product(("memory", "cpu"), ("requests", "limits")):
            amounts = ((each.get(requirement) or {}).get(resource) or "0" for each in (was, wanted))
            if operation := _operation(*map(Quantity.parse, amounts)):
                yield resource, requirement, operation


def count_conditions(before: Object, after: Object) -> None:
    """Two statuses of a pod, one after the other; {} where there is none."""
    RESIZES_IN_PROGRESS.inc(_is_in_progress(after) - _is_in_progress(before))
    if (reason := _pending_reason(before)) != _pending_reason(after):
        if reason:
            PENDING_RESIZES.labels(reason).dec()
        if reason := _pending_reason(after):
            PENDING_RESIZES.labels(reason).inc()


def _resizable(pod: Object) -> dict[str, Object]:
    spec = pod["spec"]
    sidecars = [each for each in spec.get("initContainers") or () if is_sidecar(each)]
    return {each["name"]: each.get("resources") or {} for each in (*sidecars, *spec["containers"])}


def _operation(old: Quantity, new: Quantity) -> str:
    if old == new:
        return ""
    if not new:
        return "remove"
    if not old:
        return "add"
    return "increase" if new > old else "decrease"


def _is_in_progress(status: Object) -> bool:
    return is_condition_true({"status": status}, IN_PROGRESS)


def _pending_reason(status: Object) -> str:
    for each in status.get("conditions") or ():
        if each["type"] == PENDING and each["status"] == "True":
            return str(each.get("reason", "")).lower()
    return ""
