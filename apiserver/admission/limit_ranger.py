"""LimitRanger: gives containers the resources a namespace's LimitRanges say, and refuses what is beyond them.

Source: plugin/pkg/admission/limitranger/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from apimachinery.errors import aggregate
from apimachinery.objects import Object, get_path
from apimachinery.pods import limits_of, pod_limits, pod_requests, requests_of
from apimachinery.quantity import Quantity, parse_quantity
from apimachinery.scheme import PERSISTENT_VOLUME_CLAIMS, PODS, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse

_ANNOTATION = "kubernetes.io/limit-ranger"

Resources = dict[str, Quantity]
LimitRanges = Callable[[str], list[Object]]
"""limit_ranges(namespace)"""


class LimitRanger:
    name = "LimitRanger"

    def __init__(self, limit_ranges: LimitRanges) -> None:
        self._limit_ranges = limit_ranges

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if resource == PODS and subresource == "resize":
            return operation == "UPDATE"
        if subresource:
            return False
        return (resource == PODS and operation == "CREATE") or (
            resource == PERSISTENT_VOLUME_CLAIMS and operation in ("CREATE", "UPDATE")
        )

    async def admit(self, attributes: Attributes) -> None:
        if attributes.operation == "CREATE" and attributes.resource == PODS and attributes.object is not None:
            for each in self._limit_ranges(attributes.namespace):
                set_defaults(attributes.object, each)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.object is None:
            return
        check = pod_problems if attributes.resource == PODS else claim_problems
        for each in self._limit_ranges(attributes.namespace):
            problems = check(attributes.object, each)
            if problems:
                raise refuse(attributes, aggregate(problems))


def _limits(limit_range: Object, type: str) -> Iterator[Object]:
    return (each for each in get_path(limit_range, "spec.limits") or () if each.get("type") == type)


def set_defaults(pod: Object, limit_range: Object) -> None:
    """Fills in what containers do not say, and notes it in an annotation; in place."""
    notes: list[str] = []
    for limit in _limits(limit_range, "Container"):
        for key, word in (("containers", "container"), ("initContainers", "init container")):
            for container in pod["spec"].get(key) or ():
                notes += _fill(container, limit, word)
    if notes:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[_ANNOTATION] = f"LimitRanger plugin set: {'; '.join(notes)}"


def _fill(container: Object, limit: Object, word: str) -> Iterator[str]:
    for source, target, name in (("defaultRequest", "requests", "request"), ("default", "limits", "limit")):
        defaults = limit.get(source) or {}
        resources = container.setdefault("resources", {})
        given = resources.get(target) or {}
        missing = sorted(set(defaults) - set(given))
        if missing:
            resources[target] = {**given, **{each: defaults[each] for each in missing}}
            yield f"{', '.join(missing)} {name} for {word} {container.get('name') or ''}"


def pod_problems(pod: Object, limit_range: Object) -> list[str]:
    """Everything in which a pod is beyond a LimitRange."""
    problems: list[str] = []
    for limit in _limits(limit_range, "Container"):
        for key in ("containers", "initContainers"):
            for container in pod["spec"].get(key) or ():
                problems += _problems("Container", limit, requests_of(container), limits_of(container))
    for limit in _limits(limit_range, "Pod"):
        problems += _problems("Pod", limit, pod_requests(pod), pod_limits(pod))
    return problems


def claim_problems(claim: Object, limit_range: Object) -> list[str]:
    requests = _parse(get_path(claim, "spec.resources.requests"))
    problems: list[str] = []
    for limit in _limits(limit_range, "PersistentVolumeClaim"):
        type = "PersistentVolumeClaim"
        for name, bound in _bounds(limit, "min"):
            problems += _below(type, name, bound, requests, {})
        for name, bound in _bounds(limit, "max"):
            problems += _request_above(type, name, bound, requests)
    return problems


def _parse(values: Object | None) -> Resources:
    return {name: parse_quantity(value) for name, value in (values or {}).items()}


def _bounds(limit: Object, key: str) -> list[tuple[str, Quantity]]:
    return sorted(_parse(limit.get(key)).items())


def _problems(type: str, limit: Object, requests: Resources, limits: Resources) -> Iterator[str]:
    for name, bound in _bounds(limit, "min"):
        yield from _below(type, name, bound, requests, limits)
    for name, bound in _bounds(limit, "max"):
        yield from _above(type, name, bound, requests, limits)
    for name, bound in _bounds(limit, "maxLimitRequestRatio"):
        yield from _ratio(type, name, bound, requests, limits)


def _below(type: str, name: str, bound: Quantity, requests: Resources, limits: Resources) -> Iterator[str]:
    what = f"minimum {name} usage per {type} is {bound}"
    request, limit = requests.get(name), limits.get(name)
    if request is None:
        yield f"{what}.  No request is specified"
    elif request < bound:
        yield f"{what}, but request is {request}"
    elif limit is not None and limit < bound:
        yield f"{what}, but limit is {limit}"


def _above(type: str, name: str, bound: Quantity, requests: Resources, limits: Resources) -> Iterator[str]:
    what = f"maximum {name} usage per {type} is {bound}"
    request, limit = requests.get(name), limits.get(name)
    if limit is None:
        yield f"{what}.  No limit is specified"
    elif limit > bound:
        yield f"{what}, but limit is {limit}"
    elif request is not None and request > bound:
        yield f"{what}, but request is {request}"


def _request_above(type: str, name: str, bound: Quantity, requests: Resources) -> Iterator[str]:
    what = f"maximum {name} usage per {type} is {bound}"
    request = requests.get(name)
    if request is None:
        yield f"{what}.  No request is specified"
    elif request > bound:
        yield f"{what}, but request is {request}"


def _ratio(type: str, name: str, bound: Quantity, requests: Resources, limits: Resources) -> Iterator[str]:
    what = f"{name} max limit to request ratio per {type} is {bound}"
    request, limit = requests.get(name), limits.get(name)
    if request is None or request.milli_value() == 0:
        yield f"{what}, but no request is specified or request is 0"
    elif limit is None or limit.milli_value() == 0:
        yield f"{what}, but no limit is specified or limit is 0"
    else:
        ratio = limit.milli_value() / request.milli_value()
        if ratio * 1000 > bound.milli_value():
            yield f"{what}, but provided ratio is {ratio:f}"
