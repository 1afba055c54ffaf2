"""AlwaysPullImages: nobody runs a private image only because somebody else had it pulled to the node.

Source: plugin/pkg/admission/alwayspullimages/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.errors import aggregate
from apimachinery.field import FieldError, Path, not_supported
from apimachinery.objects import Object
from apimachinery.pods import all_containers
from apimachinery.scheme import PODS, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse

_ALWAYS = "Always"
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class AlwaysPullImages:
    name = "AlwaysPullImages"

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == PODS and operation in ("CREATE", "UPDATE") and not subresource

    async def admit(self, attributes: Attributes) -> None:
        if attributes.object is None or not has_new_images(attributes.object, attributes.old_object):
            return
        spec = attributes.object["spec"]
        for container in all_containers(spec):
            container["imagePullPolicy"] = _ALWAYS
        for volume in spec.get("volumes") or ():
            if volume.get("image") is not None:
                volume["image"]["pullPolicy"] = _ALWAYS

    async def validate(self, attributes: Attributes) -> None:
        if attributes.object is None or not has_new_images(attributes.object, attributes.old_object):
            return
        problems = [str(each) for each in _problems(attributes.object["spec"])]
        if problems:
            raise refuse(attributes, aggregate(problems))


def has_new_images(pod: Object, old: Object | None) -> bool:
    """Of a pod that is updated, images that it has had may stay as they are."""
    if old is None:
        return True
    before = {each.get("image") for each in all_containers(old["spec"])}
    return any(each.get("image") not in before for each in all_containers(pod["spec"]))


def _problems(spec: Object) -> Iterator[FieldError]:
    for field in _CONTAINERS:
        for index, container in enumerate(spec.get(field) or ()):
            policy = container.get("imagePullPolicy")
            if policy != _ALWAYS:
                at = Path("spec", field).index(index).child("imagePullPolicy")
                yield not_supported(at, policy, (_ALWAYS,))
