"""DefaultStorageClass and DefaultIngressClass: fill in the class that is marked as the default.

Source: plugin/pkg/admission/storage/storageclass and .../network of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.objects import Object, annotations_of
from apimachinery.scheme import (
    INGRESS_CLASSES,
    INGRESSES,
    PERSISTENT_VOLUME_CLAIMS,
    STORAGE_CLASSES,
    Resource,
)
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse

_STORAGE_DEFAULTS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_OLD_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
_INGRESS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_OLD_INGRESS_CLASS = "kubernetes.io/ingress.class"

Listing = Callable[[Resource], Iterable[Object]]


class DefaultStorageClass:
    name = "DefaultStorageClass"

    def __init__(self, objects: Listing) -> None:
        self._objects = objects

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == PERSISTENT_VOLUME_CLAIMS and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        claim = attributes.object
        if (
            claim is None
            or "storageClassName" in claim["spec"]
            or _OLD_STORAGE_CLASS in annotations_of(claim)
        ):
            return
        defaults = _marked(self._objects(STORAGE_CLASSES), _STORAGE_DEFAULTS)
        if defaults:
            # The newest wins; of equally old ones the first by name.
            chosen = max(sorted(defaults, key=_name), key=lambda each: each["metadata"]["creationTimestamp"])
            claim["spec"]["storageClassName"] = _name(chosen)

    async def validate(self, attributes: Attributes) -> None:
        """Adds only."""


class DefaultIngressClass:
    name = "DefaultIngressClass"

    def __init__(self, objects: Listing) -> None:
        self._objects = objects

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == INGRESSES and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        ingress = attributes.object
        if ingress is None or ingress.get("spec", {}).get("ingressClassName"):
            return
        if _OLD_INGRESS_CLASS in annotations_of(ingress):
            return
        defaults = _marked(self._objects(INGRESS_CLASSES), (_INGRESS_DEFAULT,))
        if len(defaults) > 1:
            raise refuse(attributes, f"{len(defaults)} default IngressClasses were found, only 1 allowed")
        if defaults:
            ingress.setdefault("spec", {})["ingressClassName"] = _name(defaults[0])

    async def validate(self, attributes: Attributes) -> None:
        """Adds only."""


def _marked(objects: Iterable[Object], annotations: tuple[str, ...]) -> list[Object]:
    return [each for each in objects if any(annotations_of(each).get(key) == "true" for key in annotations)]


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])
