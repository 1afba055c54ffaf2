"""DefaultStorageClass and DefaultIngressClass: fill in the class that is marked as the default.

Source: plugin/pkg/admission/storage/storageclass and .../network of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.objects import Object, annotations_of, name_of
from apimachinery.scheme import (
    INGRESS_CLASSES,
    INGRESSES,
    PERSISTENT_VOLUME_CLAIMS,
    STORAGE_CLASSES,
    Resource,
)
from apimachinery.volumes import default_class, has_no_class
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse

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
        if claim is None or not has_no_class(claim):
            return
        chosen = default_class(self._objects(STORAGE_CLASSES))
        if chosen is not None:
            claim["spec"]["storageClassName"] = name_of(chosen)


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
        classes = self._objects(INGRESS_CLASSES)
        defaults = [each for each in classes if annotations_of(each).get(_INGRESS_DEFAULT) == "true"]
        if len(defaults) > 1:
            raise refuse(attributes, f"{len(defaults)} default IngressClasses were found, only 1 allowed")
        if defaults:
            ingress.setdefault("spec", {})["ingressClassName"] = name_of(defaults[0])
