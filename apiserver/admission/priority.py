"""Priority: turns a pod's priorityClassName into a number, and sees that only one class is the default.

Source: plugin/pkg/admission/priority/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.scheme import PODS, PRIORITY_CLASSES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.storage.cached import Lookup

_LOWER = "PreemptLowerPriority"

Listing = Callable[[Resource], Iterable[Object]]


@dataclass(frozen=True, slots=True)
class Computed:
    """What a pod's class makes of it."""

    class_name: str = ""
    value: int = 0
    preemption: str = _LOWER


class Priority:
    name = "Priority"

    def __init__(self, lookup: Lookup, objects: Listing) -> None:
        self._lookup = lookup
        self._objects = objects

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        wanted = resource in (PODS, PRIORITY_CLASSES) and operation in ("CREATE", "UPDATE")
        return wanted and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.object
        if pod is None or attributes.resource != PODS:
            return
        if attributes.operation == "UPDATE":
            _keep(pod, attributes.old_object)
            return
        spec: Object = pod["spec"]
        computed = self._compute(attributes, spec.get("priorityClassName") or "")
        _check(attributes, "integer value of priority", spec.get("priority"), computed.value)
        _check(
            attributes, "string value of PreemptionPolicy", spec.get("preemptionPolicy"), computed.preemption
        )
        spec["priority"] = computed.value
        spec["preemptionPolicy"] = computed.preemption
        if computed.class_name:
            spec["priorityClassName"] = computed.class_name

    def _compute(self, attributes: Attributes, class_name: str) -> Computed:
        if not class_name:
            defaults = [each for each in self._objects(PRIORITY_CLASSES) if each.get("globalDefault")]
            # Two can exist for a moment: the lower one is the safer.
            found = min(defaults, key=lambda each: each.get("value", 0), default=None)
        else:
            found = self._lookup(PRIORITY_CLASSES, "", class_name)
            if found is None:
                raise refuse(attributes, f"no PriorityClass with name {class_name} was found")
        if found is None:
            return Computed()
        return Computed(
            found["metadata"]["name"], found.get("value", 0), found.get("preemptionPolicy") or _LOWER
        )

    async def validate(self, attributes: Attributes) -> None:
        wanted = attributes.object
        if attributes.resource != PRIORITY_CLASSES or wanted is None or not wanted.get("globalDefault"):
            return
        for each in self._objects(PRIORITY_CLASSES):
            name = each["metadata"]["name"]
            if each.get("globalDefault") and name != wanted["metadata"]["name"]:
                text = f"PriorityClass {name} is already marked as default. Only one default can exist"
                raise refuse(attributes, text)


def _keep(pod: Object, old: Object | None) -> None:
    """An update that says nothing changes nothing."""
    for key in ("priority", "preemptionPolicy"):
        if pod["spec"].get(key) is None and old is not None and old["spec"].get(key) is not None:
            pod["spec"][key] = old["spec"][key]


def _check(attributes: Attributes, what: str, given: object, computed: object) -> None:
    if given is not None and given != computed:
        raise refuse(
            attributes,
            f"the {what} ({given}) must not be provided in pod spec; priority admission controller "
            f"computed {computed} from the given PriorityClass name",
        )
