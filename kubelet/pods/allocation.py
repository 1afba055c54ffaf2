"""Which resources a node has granted a pod: its spec's, or those before while a resize waits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
RESIZE_CONDITIONS = (PENDING, IN_PROGRESS)
DEFERRED, INFEASIBLE = "Deferred", "Infeasible"
_LISTS = ("initContainers", "containers")

Granted = Mapping[str, Object]
"""The `resources` of each container, by its name."""


@dataclass(frozen=True, slots=True)
class PendingResize:
    """Why a resize has not been granted: not now, or never on this node."""

    reason: str
    message: str
    detail: str = ""
    """Of what is never granted: which rule forbids it, for metrics."""


def resources_in(pod: Object) -> dict[str, Object]:
    spec = pod.get("spec") or {}
    return {
        container["name"]: container.get("resources") or {}
        for field in _LISTS
        for container in spec.get(field) or ()
    }


def with_resources(pod: Object, granted: Granted) -> Object:
    """The pod as it was granted; containers that `granted` does not name stay as they are."""
    spec = dict(pod["spec"])
    for field in _LISTS:
        if spec.get(field):
            spec[field] = [
                {**each, "resources": granted[each["name"]]} if each["name"] in granted else each
                for each in spec[field]
            ]
    return {**pod, "spec": spec}


def resize_completed(pod: Object) -> str:
    """What the Event says when a pod has what it was granted."""
    summary = {
        field: [
            {
                "name": each["name"],
                "resources": {key: value for key, value in (each.get("resources") or {}).items() if value},
            }
            for each in pod["spec"][field]
        ]
        for field in _LISTS
        if pod["spec"].get(field)
    }
    return f"Pod resize completed: {orjson.dumps(summary, option=orjson.OPT_SORT_KEYS).decode()}"


def granted_before(pod: Object) -> Object:
    """The pod as an earlier kubelet had granted it: its status says so where a resize was pending."""
    status = pod.get("status") or {}
    if not is_condition_true(pod, PENDING):
        return pod
    granted: dict[str, Object] = {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(kind) or ():
            if each.get("resources"):
                requests = each.get("allocatedResources") or each["resources"].get("requests")
                granted[each["name"]] = {**each["resources"], **({"requests": requests} if requests else {})}
    return with_resources(pod, granted)
