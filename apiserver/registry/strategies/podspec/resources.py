"""Names and amounts of resources: requests and limits, quotas, capacity."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from apimachinery import names
from apimachinery.field import NOT_FOUND, Errors, FieldError, Path, duplicate, forbidden, invalid, required
from apimachinery.objects import Object
from apimachinery.pods import pod_requests
from apimachinery.quantity import Quantity
from apiserver.registry.strategies.checks import (
    dns_label,
    non_negative_quantity,
    one_of,
    qualified_name,
    quantity_of,
)

_COMPUTE = {"cpu", "memory", "ephemeral-storage"}
_COUNTED = {
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
}
_QUOTA = (
    _COUNTED | _COMPUTE | {f"{side}.{name}" for side in ("requests", "limits") for name in _COMPUTE}
) | {"requests.storage"}
_STANDARD = _QUOTA | {"storage"}
_POD_LEVEL = ("cpu", "hugepages-", "memory")


def is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def is_extended(name: str) -> bool:
    """Whether a node's own resource, such as a device plugin's, may be called so."""
    return (
        not is_native(name)
        and not name.startswith("requests.")
        and not names.is_qualified_name(f"requests.{name}")
    )


def is_overcommit_allowed(name: str) -> bool:
    return is_native(name) and not is_huge_page(name)


def is_standard_quota(name: str) -> bool:
    return name in _QUOTA or name.startswith(("hugepages-", "requests.hugepages-"))


def resource_name(name: str, path: Path) -> Errors:
    if name in _STANDARD:
        return ()
    wrong = list(qualified_name(name, path))
    if not wrong and "/" not in name and name not in _STANDARD and not is_standard_quota(name):
        wrong = [invalid(path, name, "must be a standard resource type or fully qualified")]
    return wrong


def container_resource_name(name: str, path: Path) -> Errors:
    yield from resource_name(name, path)
    if "/" not in name:
        if name not in _COMPUTE and not is_huge_page(name):
            yield invalid(path, name, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        yield invalid(path, name, "doesn't follow extended resource name standard")


def quota_resource_name(name: str, path: Path) -> Errors:
    yield from resource_name(name, path)
    if "/" not in name and not is_standard_quota(name):
        yield invalid(path, name, "must be a standard resource for quota")


def _pod_resource_name(name: str, path: Path) -> Errors:
    wrong = list(resource_name(name, path))
    if wrong or name in ("cpu", "memory") or is_huge_page(name):
        return wrong
    return one_of(name, path, _POD_LEVEL)


def resource_amount(name: str, value: Quantity, path: Path) -> Errors:
    yield from non_negative_quantity(value, path)
    if (name in _COUNTED or is_extended(name)) and value.milli_value() % 1000:
        yield invalid(path, str(value), "must be an integer")


def amounts(
    values: Mapping[str, Any] | None, path: Path, name_check: Callable[[str, Path], Errors]
) -> Errors:
    """A map of resource to quantity: names, then amounts."""
    for name, value in (values or {}).items():
        at = path.key(name)
        yield from name_check(name, at)
        yield from resource_amount(name, quantity_of(value), at)


def _huge_page_amounts(values: Mapping[str, Any], path: Path) -> Errors:
    for name, value in values.items():
        if is_huge_page(name):
            size, amount = quantity_of(name.removeprefix("hugepages-")).value(), quantity_of(value)
            if size <= 0 or amount.value() % size:
                detail = f"{amount} is not positive integer multiple of {name}"
                yield invalid(path.key(name), str(amount), detail)


def validate_requirements(
    requirements: Object,
    path: Path,
    claims: Collection[str] = (),
    name_check: Callable[[str, Path], Errors] = container_resource_name,
) -> Errors:
    """ResourceRequirements of a container, or of a pod with the name check for that."""
    limits, requests = requirements.get("limits") or {}, requirements.get("requests") or {}
    limits_at, requests_at = path.child("limits"), path.child("requests")
    yield from amounts(limits, limits_at, name_check)
    yield from _huge_page_amounts(limits, limits_at)
    yield from amounts(requests, requests_at, name_check)
    for name, value in requests.items():
        yield from _within_limit(name, quantity_of(value), limits, path)
    yield from _huge_page_amounts(requests, requests_at)
    named = limits.keys() | requests.keys()
    if any(map(is_huge_page, named)) and not named & {"cpu", "memory"}:
        yield forbidden(path, "HugePages require cpu or memory")
    yield from _claims(requirements.get("claims") or (), claims, path.child("claims"))


def _within_limit(name: str, request: Quantity, limits: Mapping[str, Any], path: Path) -> Errors:
    if name not in limits:
        if not is_overcommit_allowed(name):
            yield required(path.child("limits"), "Limit must be set for non overcommitable resources")
        return
    limit = quantity_of(limits[name])
    at = path.child("requests")
    if request != limit and not is_overcommit_allowed(name):
        yield invalid(at, str(request), f"must be equal to {name} limit of {limit}")
    elif request > limit:
        yield invalid(at, str(request), f"must be less than or equal to {name} limit of {limit}")


def _claims(claims: Collection[Object], known: Collection[str], path: Path) -> Errors:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        at, name, request = path.index(index), claim.get("name") or "", claim.get("request") or ""
        if not name:
            yield required(at)
            continue
        if request:
            yield from dns_label(request, at.child("request"))
        key = f"{name}/{request}" if request else name
        if name in seen or key in seen or (not request and any(k.startswith(f"{name}/") for k in seen)):
            yield duplicate(at, name if name in seen or not request else key)
        seen.add(key)
        if name not in known:
            detail = "must be one of the names in pod.spec.resourceClaims"
            detail += ": " + ", ".join(sorted(known)) if known else " which is empty"
            yield FieldError(NOT_FOUND, str(at), name, detail)


def validate_pod_resources(spec: Object, path: Path, claims: Collection[str]) -> Errors:
    """The pod's own requests and limits, which bound those of its containers."""
    resources = spec.get("resources")
    if resources is None:
        return
    if resources.get("claims"):
        yield forbidden(path.child("claims"), "claims cannot be set for Resources at pod-level")
    yield from validate_requirements(resources, path, claims, _pod_resource_name)
    containers_only = {key: value for key, value in spec.items() if key not in ("resources", "overhead")}
    requests = resources.get("requests") or {}
    for name, wanted in pod_requests({"spec": containers_only}).items():
        asked = quantity_of(requests.get(name) or "0")
        if wanted > asked and (name in ("cpu", "memory") or is_huge_page(name)):
            detail = f"must be greater than or equal to aggregate container requests of {wanted}"
            yield invalid(path.child("requests").key(name), str(asked), detail)
    yield from _container_limits(spec, resources.get("limits") or {}, path)


def _container_limits(spec: Object, pod_limits: Mapping[str, Any], path: Path) -> Errors:
    for index, container in enumerate(spec.get("containers") or ()):
        for name, value in ((container.get("resources") or {}).get("limits") or {}).items():
            limit = quantity_of(value)
            if name in pod_limits and limit > quantity_of(pod_limits[name]):
                at = path.child("containers").index(index).key(name).child("limits")
                bound = quantity_of(pod_limits[name])
                yield invalid(at, str(limit), f"must be less than or equal to pod limits of {bound}")
