"""StorageObjectInUseProtection: a claim, volume or attributes class that is in use does not go while it is.

Its finalizers are taken away by the pvc-protection, pv-protection and vac-protection controllers.
Source: plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.scheme import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    VOLUME_ATTRIBUTES_CLASSES,
    Resource,
)
from apimachinery.volumes import CLAIM_PROTECTION, CLASS_PROTECTION, VOLUME_PROTECTION
from apiserver.admission.attributes import Attributes, Operation

_FINALIZERS = {
    PERSISTENT_VOLUME_CLAIMS: CLAIM_PROTECTION,
    PERSISTENT_VOLUMES: VOLUME_PROTECTION,
    VOLUME_ATTRIBUTES_CLASSES: CLASS_PROTECTION,
}


class StorageObjectInUseProtection:
    name = "StorageObjectInUseProtection"

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource in _FINALIZERS and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        if attributes.object is None:
            return
        metadata, wanted = attributes.object["metadata"], _FINALIZERS[attributes.resource]
        finalizers = metadata.get("finalizers") or []
        if wanted not in finalizers:
            metadata["finalizers"] = [*finalizers, wanted]
