"""Which pods of a target count, and what they request. Pure.

Source: groupPods and calculateRequests in pkg/controller/podautoscaler/replica_calculator.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path, is_terminating, name_of
from apimachinery.pods import is_ready, is_sidecar, phase_of, pod_requests, requests_of
from apimachinery.quantity import Quantity
from apimachinery.times import parse_time, time_or_zero
from controller_manager.horizontal_pod_autoscaler.readings import Reading, Readings
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError, Settings


@dataclass(slots=True)
class Groups:
    """Pods by name, apart from those that are ready for their metrics to be used, which are counted."""

    ready: int = 0
    unready: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    """They should have metrics, and have none."""
    ignored: set[str] = field(default_factory=set)


def group_pods(
    pods: Iterable[Object], readings: Readings, resource: str, settings: Settings, now: datetime
) -> Groups:
    """`resource` is empty for metrics that are not resources."""
    groups = Groups()
    for pod in pods:
        name = name_of(pod)
        if is_terminating(pod) or phase_of(pod) == "Failed":
            groups.ignored.add(name)
        elif phase_of(pod) == "Pending":
            groups.unready.add(name)
        elif name not in readings:
            groups.missing.add(name)
        elif resource == "cpu" and not _counts(pod, readings[name], settings, now):
            groups.unready.add(name)
        else:
            groups.ready += 1
    return groups


def _counts(pod: Object, reading: Reading, settings: Settings, now: datetime) -> bool:
    """A pod that starts takes more processor time than it will: that says nothing of its load."""
    condition, started = condition_of(pod, "Ready"), get_path(pod, "status.startTime")
    if condition is None or started is None:
        return False
    start, since = parse_time(started), time_or_zero(condition.get("lastTransitionTime"))
    is_unready = condition["status"] == "False"
    if start + timedelta(seconds=settings.cpu_initialization) > now:
        return not is_unready and reading.time >= since + timedelta(seconds=reading.window)
    was_never_ready = start + timedelta(seconds=settings.initial_readiness) > since
    return not (is_unready and was_never_ready)


def ready_count(pods: Sequence[Object]) -> int:
    """Those that run and are ready. Raises MetricsError if there are no pods at all."""
    check_any(pods)
    return sum(phase_of(pod) == "Running" and is_ready(pod) for pod in pods)


def check_any(pods: Sequence[Object]) -> None:
    """Raises MetricsError."""
    if not pods:
        raise MetricsError("no pods returned by selector while calculating replica count")


def requests(pods: Iterable[Object], resource: str, container: str) -> dict[str, int]:
    """Thousandths by the pod's name. Raises MetricsError where a request is missing."""
    return {name_of(pod): _request(pod, resource, container).milli_value() for pod in pods}


def _request(pod: Object, resource: str, container: str) -> Quantity:
    if not container and get_path(pod, "spec.resources.requests"):
        found = pod_requests(pod).get(resource)
        if found is None:
            raise MetricsError(f"missing pod-level request for {resource} in Pod {name_of(pod)}")
        return found
    spec = pod["spec"]
    counted = [*spec["containers"], *filter(is_sidecar, spec.get("initContainers") or ())]
    wanted = [each for each in counted if container in ("", each["name"])]
    if not wanted:
        raise MetricsError(f"container {container} not found in Pod {name_of(pod)}")
    return sum((_of_container(each, resource, pod) for each in wanted), Quantity())


def _of_container(container: Object, resource: str, pod: Object) -> Quantity:
    found = requests_of(container).get(resource)
    if found is None:
        where = f"container {container['name']} of Pod {name_of(pod)}"
        raise MetricsError(f"missing request for {resource} in {where}")
    return found
