"""The Endpoints controller: one Endpoints object a Service, with the addresses of its pods.

Source: pkg/controller/endpoint/endpoints_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from apimachinery import scheme
from apimachinery.errors import AlreadyExistsError, NotFoundError
from apimachinery.objects import NamespacedName, Object, annotations_of, key_of, labels_of, namespace_of
from apimachinery.well_known import ENDPOINTS_CONTROLLER, ENDPOINTS_MANAGED_BY
from client.controller import Watch, by_name
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.endpoints_plan import (
    HEADLESS_LABEL,
    concerns_endpoints,
    is_headless,
    selects,
    subsets,
)
from controller_manager.service_pods import ServicePods, triggered

MANAGED_BY = {ENDPOINTS_MANAGED_BY: ENDPOINTS_CONTROLLER}
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
CAPACITY = 1000


class EndpointsController:
    """Keeps the Endpoints of every Service with a selector."""

    name = "endpoints-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._services = context.informers.informer(scheme.SERVICES)
        self._pods = context.informers.informer(scheme.PODS)
        self._endpoints = context.informers.informer(scheme.ENDPOINTS)
        self._writes = OwnWrites(self._endpoints)
        self._behind = ServicePods()
        self._batch_period = context.options.endpoint_updates_batch_period

    def watches(self) -> list[Watch]:
        return [
            Watch(self._services, by_name),
            Watch(self._pods, self._services_of, concerns_endpoints, self._batch_period),
            Watch(self._endpoints, by_name, self._writes.is_news),
        ]

    def _services_of(self, pod: Object) -> Iterable[NamespacedName]:
        services = self._services.list(namespace_of(pod))
        return [key_of(service) for service in services if selects(service, pod)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        """Writes the Endpoints only when they differ; deletes those of a Service that is gone."""
        service = self._services.get(key)
        current = self._endpoints.get(key)
        if service is None:
            self._behind.forget(key)
            self._writes.forget(key)
            if current is not None and _is_ours(current):
                await self._delete(key)
            return None
        if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return None
        if not self._writes.are_seen(key):
            return UNSETTLED  # what we wrote last may be what is to change again
        published = bool(service["spec"].get("publishNotReadyAddresses"))
        pods = self._pods.list(key.namespace)
        found, time = self._behind.look(service, pods, {}, terminating=published)
        wanted = desired(service, subsets(found[:CAPACITY]), truncated=len(found) > CAPACITY)
        if current is None:
            await self._create(key, triggered(wanted, time))
        elif differs(wanted, current):
            changed = triggered(merged(wanted, current), time)
            self._writes.note(key, await self._client.update(scheme.ENDPOINTS, changed))
        return None

    async def _create(self, key: NamespacedName, endpoints: Object) -> None:
        try:
            self._writes.note(key, await self._client.create(scheme.ENDPOINTS, endpoints, key.namespace))
        except AlreadyExistsError:
            # Somebody else's, or one we have not seen yet: its own event brings us back.
            return

    async def _delete(self, key: NamespacedName) -> None:
        with suppress(NotFoundError):
            await self._client.delete(scheme.ENDPOINTS, key.name, key.namespace)


def desired(service: Object, wanted: list[Object], *, truncated: bool) -> Object:
    """The Endpoints object of a Service: its labels go along, headless ones are marked."""
    metadata = service["metadata"]
    labels = {k: v for k, v in labels_of(service).items() if k != HEADLESS_LABEL}
    labels |= MANAGED_BY
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    body: Object = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels},
        "subsets": wanted,
    }
    if truncated:
        body["metadata"]["annotations"] = {OVER_CAPACITY: "truncated"}
    return body


def differs(wanted: Object, current: Object) -> bool:
    """Whether a write is needed."""
    mark = annotations_of(wanted).get(OVER_CAPACITY)
    return (
        wanted["subsets"] != (current.get("subsets") or [])
        or wanted["metadata"]["labels"] != labels_of(current)
        or mark != annotations_of(current).get(OVER_CAPACITY)
    )


def merged(wanted: Object, current: Object) -> Object:
    """The current object with what we own replaced; its resourceVersion guards the write."""
    metadata = {**current["metadata"], "labels": wanted["metadata"]["labels"]}
    annotations = {k: v for k, v in annotations_of(current).items() if k != OVER_CAPACITY}
    metadata["annotations"] = annotations | annotations_of(wanted)
    return {**current, "metadata": metadata, "subsets": wanted["subsets"]}


def _is_ours(endpoints: Object) -> bool:
    """Whether we made them: an operator may keep Endpoints without a Service."""
    return bool(MANAGED_BY.items() <= labels_of(endpoints).items())
