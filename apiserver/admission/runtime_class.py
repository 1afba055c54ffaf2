"""RuntimeClass: gives a pod the overhead and the scheduling rules of its runtime class.

Source: plugin/pkg/admission/runtimeclass/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.objects import Object, get_path
from apimachinery.quantity import parse_quantity
from apimachinery.scheme import PODS, RUNTIME_CLASSES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.storage.cached import Lookup


class RuntimeClass:
    name = "RuntimeClass"

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == PODS and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        found = self._class_of(attributes)
        if found is None or attributes.object is None:
            return
        spec: Object = attributes.object["spec"]
        overhead = get_path(found, "overhead.podFixed")
        if overhead:
            if spec.get("overhead") and not _same(spec["overhead"], overhead):
                text = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
                raise refuse(attributes, text)
            spec["overhead"] = dict(overhead)
        _schedule(attributes, spec, found.get("scheduling") or {})

    def _class_of(self, attributes: Attributes) -> Object | None:
        name = get_path(attributes.object, "spec.runtimeClassName")
        if not name:
            return None
        found = self._lookup(RUNTIME_CLASSES, "", name)
        if found is None:
            raise refuse(attributes, f'pod rejected: RuntimeClass "{name}" not found')
        return found

    async def validate(self, attributes: Attributes) -> None:
        found = self._class_of(attributes)
        given = get_path(attributes.object, "spec.overhead")
        if given and not (found and get_path(found, "overhead.podFixed")):
            text = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise refuse(attributes, text)


def _same(first: dict[str, str], second: dict[str, str]) -> bool:
    return first.keys() == second.keys() and all(
        parse_quantity(first[key]) == parse_quantity(second[key]) for key in first
    )


def _schedule(attributes: Attributes, spec: Object, scheduling: Object) -> None:
    """Joins the class's node selector and tolerations with the pod's own, in place."""
    selector = spec.get("nodeSelector") or {}
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            raise refuse(
                attributes,
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {selector[key]}",
            )
    merged = {**selector, **(scheduling.get("nodeSelector") or {})}
    if merged:
        spec["nodeSelector"] = merged
    tolerations = spec.get("tolerations") or []
    missing = [each for each in scheduling.get("tolerations") or () if each not in tolerations]
    if missing:
        spec["tolerations"] = [*tolerations, *missing]
