"""Whether an object counts against a quota that has scopes.

Source: pkg/quota/v1/evaluator/core/pods.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery import scheme
from apimachinery.objects import Object, get_path
from apimachinery.pods import BEST_EFFORT, qos_class
from apimachinery.resource import Resource

_TERMS = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")


def matches_scopes(quota: Object, resource: Resource, obj: Object) -> bool:
    """All scopes must hold; with any of them, only pods count."""
    requirements = list(_requirements(quota))
    if not requirements:
        return True
    return resource == scheme.PODS and all(_holds(each, obj) for each in requirements)


def _requirements(quota: Object) -> Iterator[Object]:
    for scope in get_path(quota, "spec.scopes", []):
        yield {"scopeName": scope, "operator": "Exists"}
    yield from get_path(quota, "spec.scopeSelector.matchExpressions", [])


def _holds(requirement: Object, pod: Object) -> bool:
    match requirement["scopeName"]:
        case "Terminating":
            return get_path(pod, "spec.activeDeadlineSeconds") is not None
        case "NotTerminating":
            return get_path(pod, "spec.activeDeadlineSeconds") is None
        case "BestEffort":
            return qos_class(pod) == BEST_EFFORT
        case "NotBestEffort":
            return qos_class(pod) != BEST_EFFORT
        case "PriorityClass":
            return _has_priority(requirement, get_path(pod, "spec.priorityClassName", ""))
        case "CrossNamespacePodAffinity":
            return any(map(_crosses, _affinity_terms(pod)))
    return False


def _has_priority(requirement: Object, priority: str) -> bool:
    values = requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return priority in values
        case "NotIn":
            return priority not in values
        case "DoesNotExist":
            return not priority
    return bool(priority)


def _affinity_terms(pod: Object) -> Iterator[Object]:
    for kind in ("podAffinity", "podAntiAffinity"):
        for field in _TERMS:
            for term in get_path(pod, f"spec.affinity.{kind}.{field}", []):
                yield term.get("podAffinityTerm", term)


def _crosses(term: Object) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None
