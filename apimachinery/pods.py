"""What a Pod dict says: readiness, phase, what it asks of a node, its quality of service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import cast

from apimachinery.conditions import condition_of, is_condition_true
from apimachinery.objects import Object, get_path
from apimachinery.quantity import Quantity
from apimachinery.times import parse_time

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_QOS_RESOURCES = ("cpu", "memory")


def phase_of(pod: Object) -> str:
    return cast(str, (pod.get("status") or {}).get("phase") or "")


def is_ready(pod: Object) -> bool:
    return is_condition_true(pod, "Ready")


def is_terminal(pod: Object) -> bool:
    """Whether the pod has ended for good."""
    return phase_of(pod) in ("Succeeded", "Failed")


def is_available(pod: Object, min_ready_seconds: float, now: datetime) -> bool:
    """Ready, and has been so for min_ready_seconds."""
    ready = condition_of(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return False
    if not min_ready_seconds:
        return True
    since = ready.get("lastTransitionTime")
    return since is not None and parse_time(since) + timedelta(seconds=min_ready_seconds) <= now


def all_containers(spec: Object) -> Iterator[Object]:
    """Init containers, containers, ephemeral containers."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def is_sidecar(init_container: Object) -> bool:
    """An init container that is to run on."""
    return init_container.get("restartPolicy") == "Always"


def restarts_after(spec: Object, container: Object, exit_code: int) -> bool:
    """Whether a container that has ended so runs again: by its own rules, its own policy, or its pod's.

    Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/api/v1/pod/util.go
    """
    own = container.get("restartPolicy")
    if own and any(_is_met(rule, exit_code) for rule in container.get("restartPolicyRules") or ()):
        return True
    policy = own or spec.get("restartPolicy") or "Always"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _is_met(rule: Object, exit_code: int) -> bool:
    codes = rule.get("exitCodes")
    if rule.get("action") != "Restart" or codes is None:
        return False
    return bool((exit_code in (codes.get("values") or ())) == (codes.get("operator") == "In"))


def host_ports(pod: Object) -> list[tuple[str, str, int]]:
    """(ip, protocol, port) of every host port; an ip of 0.0.0.0 is all addresses."""
    spec = pod.get("spec") or {}
    sidecars = [each for each in spec.get("initContainers") or () if is_sidecar(each)]
    return [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"])
        for container in [*(spec.get("containers") or ()), *sidecars]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def requests_of(container: Object) -> dict[str, Quantity]:
    return _quantities(get_path(container, "resources.requests"))


def limits_of(container: Object) -> dict[str, Quantity]:
    return _quantities(get_path(container, "resources.limits"))


def _quantities(resources: Object | None) -> dict[str, Quantity]:
    return {name: Quantity.parse(value) for name, value in (resources or {}).items()}


def pod_requests(pod: Object) -> dict[str, Quantity]:
    """What the pod asks of a node: see `sum_of_resources`. Pod-level requests, where given, count instead."""
    return _pod_resources(pod, "requests")


def pod_limits(pod: Object) -> dict[str, Quantity]:
    return _pod_resources(pod, "limits")


def _pod_resources(pod: Object, what: str) -> dict[str, Quantity]:
    spec = pod.get("spec") or {}
    total = sum_of_resources(spec, what)
    total |= _quantities(get_path(spec, f"resources.{what}"))
    overhead = _quantities(spec.get("overhead"))
    if what == "limits":  # without a limit, overhead adds none
        overhead = {name: value for name, value in overhead.items() if name in total}
    return add_up([total, overhead])


def sum_of_resources(spec: Object, what: str) -> dict[str, Quantity]:
    """Containers and sidecars run together; each other init container runs beside the sidecars before it."""
    containers = spec.get("containers") or ()
    running = add_up(_quantities(get_path(each, f"resources.{what}")) for each in containers)
    sidecars: dict[str, Quantity] = {}
    peak: dict[str, Quantity] = {}
    for container in spec.get("initContainers") or ():
        own = _quantities(get_path(container, f"resources.{what}"))
        beside = add_up([sidecars, own])
        if is_sidecar(container):
            sidecars = beside
        peak = _maximum(peak, beside)
    return _maximum(add_up([running, sidecars]), peak)


def add_up(lists: Iterable[dict[str, Quantity]]) -> dict[str, Quantity]:
    """Resource by resource."""
    total: dict[str, Quantity] = {}
    for resources in lists:
        for name, value in resources.items():
            total[name] = total[name] + value if name in total else value
    return total


def _maximum(one: dict[str, Quantity], other: dict[str, Quantity]) -> dict[str, Quantity]:
    result = dict(one)
    for name, value in other.items():
        if name not in result or value > result[name]:
            result[name] = value
    return result


def qos_class(pod: Object) -> str:
    """Guaranteed: cpu and memory limits everywhere, equal to requests. BestEffort: none of either."""
    spec = pod.get("spec") or {}
    pod_level = spec.get("resources") or {}
    holders = [spec] if pod_level.get("requests") or pod_level.get("limits") else [
        *(spec.get("initContainers") or ()), *(spec.get("containers") or ())
    ]  # fmt: skip
    requests = [_relevant(requests_of(each)) for each in holders]
    limits = [_relevant(limits_of(each)) for each in holders]
    if not any(requests) and not any(limits):
        return BEST_EFFORT
    limited = all(set(each) == set(_QOS_RESOURCES) for each in limits)
    return GUARANTEED if limited and add_up(requests) == add_up(limits) else BURSTABLE


def _relevant(resources: dict[str, Quantity]) -> dict[str, Quantity]:
    return {name: value for name, value in resources.items() if name in _QOS_RESOURCES and value}
