"""What a pod takes of its node while it is resized in place: the most of what is asked, allotted and in use.

Pure. Source: determineContainerReqs in component-helpers/resource of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path
from apimachinery.pods import is_sidecar
from scheduler.resources import CPU, amounts, maximum

_STATUSES = ("containerStatuses", "initContainerStatuses")


def taken_spec(pod: Object) -> Object:
    """The pod's spec; where a container is being resized, with requests as its node has to count them."""
    spec: Object = pod.get("spec") or {}
    held = {each["name"]: each for each in statuses_that_differ(pod)}
    if not held:
        return spec
    condition = condition_of(pod, "PodResizePending") or {}
    refused = condition.get("status") == "True" and condition.get("reason") == "Infeasible"
    return spec | {
        field: [_counted(each, held, refused) for each in spec[field]]
        for field in ("containers", "initContainers")
        if spec.get(field)
    }


def statuses_that_differ(pod: Object) -> Iterator[Object]:
    """Statuses of containers that hold something else than their spec asks for."""
    status: Object = pod.get("status") or {}
    told = [each for name in _STATUSES for each in status.get(name) or () if each.get("resources")]
    if not told:
        return
    wanted = {each["name"]: _requests(each) for each in _resizable(pod.get("spec") or {})}
    for each in told:
        asked = wanted.get(each["name"])
        if asked is not None and any(held not in (asked, {}) for held in _held(each)):
            yield each


def _resizable(spec: Object) -> Iterator[Object]:
    """Those that run as long as the pod does."""
    yield from spec.get("containers") or ()
    yield from filter(is_sidecar, spec.get("initContainers") or ())


def _requests(container: Object) -> Any:
    return get_path(container, "resources.requests", {})


def _held(status: Object) -> tuple[Any, Any]:
    """What runs, and what the kubelet has allotted."""
    return _requests(status), status.get("allocatedResources") or {}


def _counted(container: Object, held: Mapping[str, Object], refused: bool) -> Object:
    """A resize that its node can never do counts for nothing."""
    status = held.get(container["name"])
    if status is None:
        return container
    running, allotted = map(amounts, _held(status))
    most = maximum(running, allotted)
    if not refused:
        most = maximum(most, amounts(_requests(container)))
    requests = {name: f"{value}m" if name == CPU else str(value) for name, value in most.items()}
    return {**container, "resources": {**(container.get("resources") or {}), "requests": requests}}
