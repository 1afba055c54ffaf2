"""What one object counts, by the names that quotas have for it.

Source: pkg/quota/v1/evaluator/core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from apimachinery import scheme
from apimachinery.objects import Object, get_path
from apimachinery.pods import is_terminal, limits_of, pod_limits, pod_requests, requests_of
from apimachinery.quantity import Quantity, parse_quantity
from apimachinery.resource import Resource
from apimachinery.times import parse_time

Usage = dict[str, Quantity]

_ONE = Quantity.of(1)
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_MUST_BE_GIVEN = {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"}
_OLD_COUNTS = (scheme.CONFIG_MAPS, scheme.SECRETS, scheme.REPLICATION_CONTROLLERS, scheme.RESOURCE_QUOTAS)
"""Kinds that may be counted by their plain name, too."""


def usage_of(resource: Resource, obj: Object, now: datetime) -> Usage:
    """Everything that a quota may ask about an object."""
    used = {count_name(resource): _ONE}
    if resource in _OLD_COUNTS:
        used[resource.plural] = _ONE
    special = _SPECIAL.get(resource)
    return used | special(obj, now) if special else used


def count_name(resource: Resource) -> str:
    return f"count/{resource.group_resource}"


def names_of(resource: Resource, hard: Iterable[str]) -> list[str]:
    """Those names in a quota that objects of the resource count for."""
    return sorted(name for name in hard if _concerns(resource, name))


def _concerns(resource: Resource, name: str) -> bool:
    if name == count_name(resource) or (resource in _OLD_COUNTS and name == resource.plural):
        return True
    if resource == scheme.PODS:
        return name == "pods" or _is_compute(name)
    if resource == scheme.SERVICES:
        return name == "services" or name.startswith("services.")
    if resource == scheme.PERSISTENT_VOLUME_CLAIMS:
        return name in ("persistentvolumeclaims", "requests.storage") or _STORAGE_CLASS in name
    if resource == scheme.RESOURCE_CLAIMS:
        return name.endswith(_DEVICES)
    return False


def _is_compute(name: str) -> bool:
    """cpu, requests.memory, limits.cpu, hugepages-2Mi, requests.example.com/gpu"""
    side, _, rest = name.partition(".")
    bare = rest if side in ("requests", "limits") else name
    is_extended = side == "requests" and "/" in rest and _STORAGE_CLASS not in name
    return bare in _COMPUTE or bare.startswith("hugepages-") or is_extended


def _of_pod(pod: Object, now: datetime) -> Usage:
    """A pod that has ended, or should have, uses nothing."""
    if is_terminal(pod) or _should_be_gone(pod, now):
        return {}
    return {"pods": _ONE, **compute_usage(pod_requests(pod), pod_limits(pod))}


def _should_be_gone(pod: Object, now: datetime) -> bool:
    deleted, grace = (
        get_path(pod, f"metadata.deletion{each}") for each in ("Timestamp", "GracePeriodSeconds")
    )
    return bool(deleted) and grace is not None and now > parse_time(deleted) + timedelta(seconds=grace)


def compute_usage(requests: Usage, limits: Usage) -> Usage:
    """Requests count by their plain name, too; of extended resources only requests count."""
    used: Usage = {}
    for name, amount in requests.items():
        if name in _COMPUTE or name.startswith("hugepages-"):
            used |= {name: amount, f"requests.{name}": amount}
        elif "/" in name:
            used[f"requests.{name}"] = amount
    used |= {f"limits.{name}": amount for name, amount in limits.items() if name in _COMPUTE}
    return used


def unspecified(pod: Object, names: Iterable[str]) -> str:
    """Which of the names the pod must say and doesn't: `limits.cpu for: a,b; requests.cpu for: a`."""
    wanted = sorted(_MUST_BE_GIVEN.intersection(names))
    whole = compute_usage(pod_requests(pod), pod_limits(pod)) if get_path(pod, "spec.resources") else {}
    missing: dict[str, list[str]] = {}
    spec = pod["spec"]
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        given = compute_usage(requests_of(container), limits_of(container)) | whole
        for name in wanted:
            if name not in given:
                missing.setdefault(name, []).append(container["name"])
    return "; ".join(f"{name} for: {','.join(sorted(containers))}" for name, containers in missing.items())


def _of_service(service: Object, now: datetime) -> Usage:
    spec = service.get("spec") or {}
    ports, type = spec.get("ports") or [], spec.get("type")
    used = {"services": _ONE}
    if type == "LoadBalancer":
        used["services.loadbalancers"] = _ONE
        if spec.get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
    if type in ("NodePort", "LoadBalancer"):
        used["services.nodeports"] = Quantity.of(len(ports))
    return used


_STORAGE_CLASS = ".storageclass.storage.k8s.io/"


def _of_claim(claim: Object, now: datetime) -> Usage:
    used = {"persistentvolumeclaims": _ONE}
    storage = get_path(claim, "spec.resources.requests.storage")
    if storage is not None:
        granted = get_path(claim, "status.allocatedResources.storage", 0)
        used["requests.storage"] = max(parse_quantity(storage), parse_quantity(granted))
    class_name = get_path(claim, "spec.storageClassName")
    if class_name:
        used |= {f"{class_name}{_STORAGE_CLASS}{name}": amount for name, amount in used.items()}
    return used


_DEVICES = ".deviceclass.resource.k8s.io/devices"
_MOST_DEVICES = 32
"""That a claim can get: who asks for all is charged for so many."""


def _of_resource_claim(claim: Object, now: datetime) -> Usage:
    """Devices by class; of alternatives the one that takes the most of a class."""
    used: Usage = {}
    for request in get_path(claim, "spec.devices.requests", []):
        exactly = request.get("exactly")
        most: Usage = {}
        for ask in [exactly] if exactly is not None else request.get("firstAvailable") or ():
            count = _MOST_DEVICES if ask.get("allocationMode") == "All" else ask.get("count") or 0
            name = f"{ask['deviceClassName']}{_DEVICES}"
            most[name] = max(most.get(name, Quantity()), Quantity.of(count))
        used |= {name: used.get(name, Quantity()) + amount for name, amount in most.items()}
    return used


_SPECIAL: Mapping[Resource, Callable[[Object, datetime], Usage]] = {
    scheme.PODS: _of_pod,
    scheme.SERVICES: _of_service,
    scheme.PERSISTENT_VOLUME_CLAIMS: _of_claim,
    scheme.RESOURCE_CLAIMS: _of_resource_claim,
}


def resource_of(name: str, served: Iterable[Resource] = scheme.BUILTIN) -> Resource | None:
    """The resource whose objects count for a name in a quota."""
    return next((each for each in served if each.namespaced and _concerns(each, name)), None)
