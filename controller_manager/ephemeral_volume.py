"""Generic ephemeral volumes: a claim for each, owned by its pod and gone with it.

Source: pkg/controller/volume/ephemeral/controller.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery import scheme, volumes
from apimachinery.errors import StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    get_path,
    is_terminating,
    key_of,
    namespace_of,
    owner_reference,
)
from client.controller import NotYetError, Watch
from client.errors import is_namespace_terminating
from client.events import WARNING
from controller_manager.context import ControllerContext


class EphemeralVolumeController:
    name = "ephemeral-volume-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("ephemeral_volume")
        self._pods = context.informers.informer(scheme.PODS)
        self._claims = context.informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._pods, _with_ephemeral_volumes, lambda old, new: old is None),
            Watch(self._claims, self._pod_of, lambda old, new: new is None),
        ]

    def _pod_of(self, claim: Object) -> Iterable[NamespacedName]:
        """The pod that has lost its claim, if it still waits for it."""
        references = claim["metadata"].get("ownerReferences") or ()
        return [
            NamespacedName(namespace_of(claim), each["name"]) for each in references if each["kind"] == "Pod"
        ]

    async def reconcile(self, key: NamespacedName) -> float | None:
        pod = self._pods.get(key)
        if pod is None or is_terminating(pod):
            return None
        for volume in get_path(pod, "spec.volumes", []):
            if "ephemeral" in volume:
                await self._provide(pod, volume)
        return None

    async def _provide(self, pod: Object, volume: Object) -> None:
        claim = self._claims.get(NamespacedName(namespace_of(pod), volumes.ephemeral_claim_name(pod, volume)))
        if claim is None:
            await self._create(pod, volume)
        elif why_not := volumes.why_not_for_pod(pod, claim):
            self._complain(pod, volume, why_not)
            raise EphemeralVolumeError(why_not)

    async def _create(self, pod: Object, volume: Object) -> None:
        claim = claim_for(pod, volume)
        try:
            await self._client.create(scheme.PERSISTENT_VOLUME_CLAIMS, claim)
        except StatusError as error:
            if not is_namespace_terminating(error):
                self._complain(pod, volume, f"create PVC {claim['metadata']['name']}: {error}")
            raise

    def _complain(self, pod: Object, volume: Object, why: str) -> None:
        self._events.event(pod, WARNING, "FailedBinding", f"ephemeral volume {volume['name']}: {why}")


class EphemeralVolumeError(NotYetError):
    """A pod's volume can't be had."""


def _with_ephemeral_volumes(pod: Object) -> Iterable[NamespacedName]:
    return [key_of(pod)] if any("ephemeral" in each for each in get_path(pod, "spec.volumes", [])) else []


def claim_for(pod: Object, volume: Object) -> Object:
    """The claim of a pod's ephemeral volume; of the template's metadata, labels and annotations count."""
    template = volume["ephemeral"]["volumeClaimTemplate"]
    metadata: Object = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            **{field: metadata[field] for field in ("labels", "annotations") if field in metadata},
            "name": volumes.ephemeral_claim_name(pod, volume),
            "namespace": namespace_of(pod),
            "ownerReferences": [owner_reference(pod)],
        },
        "spec": template["spec"],
    }
