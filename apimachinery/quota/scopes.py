"""Whether an object counts against a quota that has scopes.

Source: pkg/quota/v1/evaluator/core/pods.go and persistent_volume_claims.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from apimachinery import scheme
from apimachinery.objects import Object, get_path
from apimachinery.pods import BEST_EFFORT, qos_class
from apimachinery.resource import Resource
from apimachinery.volumes import attributes_classes_of

_TERMS = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")


def matches_scopes(quota: Object, resource: Resource, obj: Object) -> bool:
    """All scopes must hold. Each is of pods or of claims: with any of them, nothing else counts."""
    holds = _HOLDS.get(resource, _never)
    return all(holds(each, obj) for each in _requirements(quota))


def _requirements(quota: Object) -> Iterator[Object]:
    for scope in get_path(quota, "spec.scopes", []):
        yield {"scopeName": scope, "operator": "Exists"}
    yield from get_path(quota, "spec.scopeSelector.matchExpressions", [])


def _never(requirement: Object, obj: Object) -> bool:
    return False


def _holds_for_claim(requirement: Object, claim: Object) -> bool:
    names = attributes_classes_of(claim)
    if requirement["scopeName"] != "VolumeAttributesClass":
        return False
    return any(_is_among(requirement, name) for name in names or [""])


def _holds_for_pod(requirement: Object, pod: Object) -> bool:
    match requirement["scopeName"]:
        case "Terminating":
            return has_deadline(pod)
        case "NotTerminating":
            return not has_deadline(pod)
        case "BestEffort":
            return qos_class(pod) == BEST_EFFORT
        case "NotBestEffort":
            return qos_class(pod) != BEST_EFFORT
        case "PriorityClass":
            return _is_among(requirement, get_path(pod, "spec.priorityClassName", ""))
        case "CrossNamespacePodAffinity":
            return any(map(_crosses, _affinity_terms(pod)))
    return False


def _is_among(requirement: Object, name: str) -> bool:
    """Of a name that must be some, or none; "" is no name."""
    values = requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
    return bool(name)


def _affinity_terms(pod: Object) -> Iterator[Object]:
    for kind in ("podAffinity", "podAntiAffinity"):
        for field in _TERMS:
            for term in get_path(pod, f"spec.affinity.{kind}.{field}", []):
                yield term.get("podAffinityTerm", term)


def _crosses(term: Object) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None


_HOLDS: Mapping[Resource, Callable[[Object, Object], bool]] = {
    scheme.PODS: _holds_for_pod,
    scheme.PERSISTENT_VOLUME_CLAIMS: _holds_for_claim,
}


def has_deadline(pod: Object) -> bool:
    """Whether the scope Terminating is the pod's, and not NotTerminating."""
    return get_path(pod, "spec.activeDeadlineSeconds") is not None
