"""What a scheduler watches, and who is told of which changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from apimachinery.scheme import (
    DEVICE_CLASSES,
    NAMESPACES,
    NODES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    SERVICES,
    STATEFUL_SETS,
)
from client.informer import Informer, drop_managed_fields
from client.rest import Client
from scheduler.event_handlers import EventHandlers
from scheduler.framework.interface import EventKind
from scheduler.pod_info import trim
from scheduler.volumes.informers import StorageInformers

# Pods that have ended use nothing: upstream doesn't watch them either.
LIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed"


class Informers:
    def __init__(self, client: Client, *, whole_pods: bool) -> None:
        """Pods are cut down to what the scheduler itself reads, unless they are to be kept whole."""
        transform = drop_managed_fields if whole_pods else trim
        self.pods = Informer(client, PODS, field_selector=LIVE_PODS, transform=transform)
        self.nodes = Informer(client, NODES)
        self.namespaces = Informer(client, NAMESPACES)
        self.services = Informer(client, SERVICES)
        self.budgets = Informer(client, POD_DISRUPTION_BUDGETS)
        kinds = (REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS)
        self.controllers = {resource.kind: Informer(client, resource) for resource in kinds}
        self.storage = StorageInformers(client)
        self.claims = Informer(client, RESOURCE_CLAIMS)
        self.device_classes = Informer(client, DEVICE_CLASSES)
        self.device_slices = Informer(client, RESOURCE_SLICES)
        self._devices = {
            EventKind.RESOURCE_CLAIM: self.claims,
            EventKind.DEVICE_CLASS: self.device_classes,
            EventKind.RESOURCE_SLICE: self.device_slices,
        }

    def __iter__(self) -> Iterator[Informer]:
        yield from (self.pods, self.nodes, self.namespaces, self.services, self.budgets)
        yield from self.controllers.values()
        yield from (informer for _, informer in self.storage)
        yield from self._devices.values()

    def tell(self, handlers: EventHandlers) -> None:
        self.pods.add_handler(handlers.pod)
        self.nodes.add_handler(handlers.node)
        self.namespaces.add_handler(handlers.namespace)
        for kind, informer in (*self.storage, *self._devices.items()):
            informer.add_handler(partial(handlers.storage, kind))
        for informer in (self.services, *self.controllers.values()):
            informer.add_handler(handlers.owner)
