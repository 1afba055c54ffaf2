"""PersistentVolumeClaimResize: a claim grows only when it is bound, and only if its class allows it.

Source: plugin/pkg/admission/storage/persistentvolume/resize/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.scheme import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES, Resource
from apimachinery.volumes import BOUND, class_of, request_of
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.storage.cached import Lookup

_FIXED_SIZE = (
    "only dynamically provisioned pvc can be resized and "
    "the storageclass that provisions the pvc must support resize"
)


class PersistentVolumeClaimResize:
    name = "PersistentVolumeClaimResize"

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == PERSISTENT_VOLUME_CLAIMS and operation == "UPDATE" and not subresource

    async def validate(self, attributes: Attributes) -> None:
        new, old = attributes.object, attributes.old_object
        if new is None or old is None or request_of(new) <= request_of(old):
            return
        if (old.get("status") or {}).get("phase") != BOUND:
            raise refuse(attributes, "Only bound persistent volume claims can be expanded")
        if class_of(new) != class_of(old) or not self._may_grow(class_of(new)):
            raise refuse(attributes, _FIXED_SIZE)

    def _may_grow(self, class_name: str) -> bool:
        found = self._lookup(STORAGE_CLASSES, "", class_name) if class_name else None
        return found is not None and found.get("allowVolumeExpansion") is True
