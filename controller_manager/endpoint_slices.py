"""The EndpointSlice controller: at most a hundred endpoints a slice, as few writes as can be.

Source: pkg/controller/endpointslice/endpointslice_controller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, Object, key_of, labels_of, namespace_of, owner_reference
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext
from controller_manager.endpoints_plan import (
    HEADLESS_LABEL,
    ZONE_LABEL,
    is_headless,
    plan_slices,
    pod_endpoints,
    selects,
)

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
BY_SERVICE = "service"


def service_of(slice_: Object) -> Iterable[str]:
    """Index: the Service that a slice of ours belongs to, as namespace/name."""
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) == CONTROLLER and SERVICE_NAME in labels:
        yield f"{namespace_of(slice_)}/{labels[SERVICE_NAME]}"


class EndpointSliceController:
    """Keeps the EndpointSlices of every Service with a selector."""

    name = "endpointslice-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._services = context.informers.informer(scheme.SERVICES)
        self._pods = context.informers.informer(scheme.PODS)
        self._nodes = context.informers.informer(scheme.NODES)
        self._slices = context.informers.informer(scheme.ENDPOINT_SLICES)
        context.informers.index(scheme.ENDPOINT_SLICES, BY_SERVICE, service_of)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._services, by_name),
            Watch(self._pods, self._services_of),
            Watch(self._slices, _key_of_service),
        ]

    def _services_of(self, pod: Object) -> Iterable[NamespacedName]:
        services = self._services.list(namespace_of(pod))
        return [key_of(service) for service in services if selects(service, pod)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        """Slices of a deleted Service are the garbage collector's: the Service owns them."""
        service = self._services.get(key)
        if service is None or not service["spec"].get("selector"):
            return None
        if service["spec"].get("type") == "ExternalName":
            return None
        pods = self._pods.list(key.namespace)
        found = pod_endpoints(service, pods, self._zones(), terminating=True)
        plan = plan_slices(found, self._slices.by_index(BY_SERVICE, str(key)))
        metadata = slice_metadata(service)
        family = (service["spec"].get("ipFamilies") or ["IPv4"])[0]
        async with asyncio.TaskGroup() as group:
            for body in plan.create:
                group.create_task(self._create({"addressType": family, **body}, metadata))
            for slice_ in plan.update:
                group.create_task(self._client.update(scheme.ENDPOINT_SLICES, slice_))
            for name in plan.delete:
                group.create_task(self._delete(key.namespace, name))
        return None

    def _zones(self) -> dict[str, str]:
        return {
            node["metadata"]["name"]: zone
            for node in self._nodes.list()
            if (zone := labels_of(node).get(ZONE_LABEL))
        }

    async def _create(self, body: Object, metadata: Object) -> None:
        slice_ = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, **body}
        await self._client.create(scheme.ENDPOINT_SLICES, slice_, metadata["namespace"])

    async def _delete(self, namespace: str, name: str) -> None:
        try:
            await self._client.delete(scheme.ENDPOINT_SLICES, name, namespace)
        except NotFoundError:
            return


def _key_of_service(slice_: Object) -> Iterable[NamespacedName]:
    for text in service_of(slice_):
        namespace, _, name = text.partition("/")
        yield NamespacedName(namespace, name)


def slice_metadata(service: Object) -> Object:
    """The metadata of a new slice: the Service's labels, its name, and the Service as owner."""
    labels = {k: v for k, v in labels_of(service).items() if k not in (HEADLESS_LABEL,)}
    labels |= {SERVICE_NAME: service["metadata"]["name"], MANAGED_BY: CONTROLLER}
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return {
        "generateName": f"{service['metadata']['name']}-",
        "namespace": service["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Service", **service})],
    }
