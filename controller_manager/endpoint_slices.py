"""The EndpointSlice controller: at most a hundred endpoints a slice, as few writes as can be.

Source: pkg/controller/endpointslice/endpointslice_controller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from apimachinery.well_known import SERVICE_NAME, SLICE_MANAGED_BY, ZONE
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.endpoints_plan import (
    HEADLESS_LABEL,
    PodEndpoint,
    SlicePlan,
    concerns_endpoints,
    family_of,
    is_headless,
    is_shared_by_zones,
    plan_slices,
    selects,
)
from controller_manager.service_pods import ServicePods, triggered
from controller_manager.topology_hints import (
    ENABLED,
    NoHints,
    is_capacity_changed,
    shares_of_zones,
    with_hints,
)

CONTROLLER = "endpointslice-controller.k8s.io"
BY_SERVICE = "service"


def service_of(slice_: Object) -> Iterable[str]:
    """Index: the Service that a slice of ours belongs to, as namespace/name."""
    labels = labels_of(slice_)
    if labels.get(SLICE_MANAGED_BY) == CONTROLLER and SERVICE_NAME in labels:
        yield f"{namespace_of(slice_)}/{labels[SERVICE_NAME]}"


class EndpointSliceController:
    """Keeps the EndpointSlices of every Service with a selector."""

    name = "endpointslice-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("endpoint-slice-controller")
        self._services = context.informers.informer(scheme.SERVICES)
        self._pods = context.informers.informer(scheme.PODS)
        self._nodes = context.informers.informer(scheme.NODES)
        self._slices = context.informers.informer(scheme.ENDPOINT_SLICES)
        context.informers.index(scheme.ENDPOINT_SLICES, BY_SERVICE, service_of)
        self._limit = context.options.max_endpoints_per_slice
        self._batch_period = context.options.endpointslice_updates_batch_period
        self._writes = OwnWrites(self._slices)
        self._behind = ServicePods()

    def watches(self) -> list[Watch]:
        return [
            Watch(self._services, by_name),
            Watch(self._pods, self._services_of, concerns_endpoints, self._batch_period),
            Watch(self._slices, _key_of_service, self._writes.is_news),
            Watch(self._nodes, self._shared_services, is_capacity_changed),
        ]

    def _shared_services(self, node: Object) -> Iterable[NamespacedName]:
        return [key_of(each) for each in self._services.list() if is_shared_by_zones(each)]

    def _services_of(self, pod: Object) -> Iterable[NamespacedName]:
        services = self._services.list(namespace_of(pod))
        return [key_of(service) for service in services if selects(service, pod)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        """Slices of a deleted Service are the garbage collector's: the Service owns them."""
        service = self._services.get(key)
        if service is None or not service["spec"].get("selector"):
            self._writes.forget(key)
            self._behind.forget(key)
            return None
        if service["spec"].get("type") == "ExternalName":
            return None
        if not self._writes.are_seen(key):
            return UNSETTLED  # planning on slices as they were before our last write would make some twice
        pods = self._pods.list(key.namespace)
        found, time = self._behind.look(service, pods, self._zones(), terminating=True)
        existing = self._slices.by_index(BY_SERVICE, str(key))
        if is_shared_by_zones(service):
            found = self._with_hints(service, found, existing)
        plan = with_labels(plan_slices(found, existing, self._limit), existing, slice_labels(service))
        await self._act(key, service, plan, time)
        return None

    def _with_hints(
        self, service: Object, endpoints: list[PodEndpoint], existing: Iterable[Object]
    ) -> list[PodEndpoint]:
        """An Event tells when there are hints, and why there are none."""
        found = with_hints(endpoints, shares_of_zones(self._nodes.list()))
        had = any(each.get("hints") for slice_ in existing for each in slice_.get("endpoints") or ())
        family = f"addressType: {family_of(service)}"
        if isinstance(found, NoHints):
            self._events.event(service, WARNING, "TopologyAwareHintsDisabled", f"{found.why}, {family}")
            return endpoints
        if not had:
            self._events.event(service, NORMAL, "TopologyAwareHintsEnabled", f"{ENABLED}, {family}")
        return found

    async def _act(self, key: NamespacedName, service: Object, plan: SlicePlan, time: str) -> None:
        family = family_of(service)
        metadata = slice_metadata(service)
        async with asyncio.TaskGroup() as group:
            for body in plan.create:
                slice_ = {"addressType": family, **body, "metadata": metadata}
                group.create_task(self._create(key, triggered(slice_, time)))
            for slice_ in plan.update:
                group.create_task(self._update(key, triggered(slice_, time)))
            for name in plan.delete:
                group.create_task(self._delete(key.namespace, name))

    def _zones(self) -> dict[str, str]:
        return {
            node["metadata"]["name"]: zone
            for node in self._nodes.list()
            if (zone := labels_of(node).get(ZONE))
        }

    async def _create(self, key: NamespacedName, body: Object) -> None:
        slice_ = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", **body}
        self._writes.note(key, await self._client.create(scheme.ENDPOINT_SLICES, slice_, key.namespace))

    async def _update(self, key: NamespacedName, slice_: Object) -> None:
        self._writes.note(key, await self._client.update(scheme.ENDPOINT_SLICES, slice_))

    async def _delete(self, namespace: str, name: str) -> None:
        with suppress(NotFoundError):
            await self._client.delete(scheme.ENDPOINT_SLICES, name, namespace)


def _key_of_service(slice_: Object) -> Iterable[NamespacedName]:
    for text in service_of(slice_):
        namespace, _, name = text.partition("/")
        yield NamespacedName(namespace, name)


def slice_labels(service: Object) -> dict[str, str]:
    """The Service's labels and its name, and that we manage the slice."""
    labels = {k: v for k, v in labels_of(service).items() if k != HEADLESS_LABEL}
    labels |= {SERVICE_NAME: service["metadata"]["name"], SLICE_MANAGED_BY: CONTROLLER}
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return labels


def slice_metadata(service: Object) -> Object:
    """The metadata of a new slice: its labels, and the Service as owner."""
    return {
        "generateName": f"{service['metadata']['name']}-",
        "namespace": service["metadata"]["namespace"],
        "labels": slice_labels(service),
        "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Service", **service})],
    }


def with_labels(plan: SlicePlan, existing: Iterable[Object], labels: dict[str, str]) -> SlicePlan:
    """The plan, with slices added whose labels are no longer the Service's."""
    planned = {*map(name_of, plan.update), *plan.delete}
    outdated = [each for each in existing if name_of(each) not in planned and labels_of(each) != labels]
    updates = [
        {**each, "metadata": {**each["metadata"], "labels": labels}} for each in [*plan.update, *outdated]
    ]
    return SlicePlan(plan.create, tuple(updates), plan.delete)
