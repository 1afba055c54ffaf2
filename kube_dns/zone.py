"""The zone: which Services, endpoints and namespaces there are, found by name and by address.

It keeps nothing of its own; the caches of informers hold the objects and their indexes, and a question is
answered from what they say at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from apimachinery.objects import NamespacedName, Object
from kube_dns.services import (
    Endpoint,
    Service,
    cluster_addresses,
    endpoint_addresses,
    parse_service,
    parse_slices,
    service_of,
)

BY_SERVICE, BY_ADDRESS = "service", "address"

Indexers = Mapping[str, Callable[[Object], Iterable[str]]]
SERVICE_INDEXERS: Indexers = {BY_ADDRESS: cluster_addresses}
SLICE_INDEXERS: Indexers = {BY_SERVICE: service_of, BY_ADDRESS: endpoint_addresses}


class Lister(Protocol):
    """Objects by key and by index: an informer, or its store."""

    def get(self, key: NamespacedName) -> Object | None: ...

    def by_index(self, name: str, value: str) -> list[Object]: ...


class Zone:
    """The cluster's domain; `serial` grows with each change. Before `is_synced` nothing can be denied."""

    def __init__(
        self,
        domain: str,
        services: Lister,
        slices: Lister,
        namespaces: Lister,
        *,
        dns: NamespacedName,
        ttl: int,
    ) -> None:
        """`domain` is like cluster.local; `dns` is the Service by which the zone itself is served."""
        self.name = f"{domain.strip('.').lower()}."
        self.ttl = ttl
        self.serial = 0
        self.is_synced = False
        self._services, self._slices, self._namespaces = services, slices, namespaces
        self._dns = dns

    def labels_of(self, name: str) -> list[str] | None:
        """The labels before the zone's own; None for a name that is not in it."""
        if name == self.name:
            return []
        return name[: -len(self.name) - 1].split(".") if name.endswith(f".{self.name}") else None

    def has_namespace(self, name: str) -> bool:
        return self._namespaces.get(NamespacedName("", name)) is not None

    def service(self, namespace: str, name: str) -> Service | None:
        found = self._services.get(NamespacedName(namespace, name))
        return parse_service(found) if found else None

    def endpoints(self, service: Service) -> list[Endpoint]:
        return parse_slices(self._slices.by_index(BY_SERVICE, f"{service.namespace}/{service.name}"))

    def name_of(self, service: Service) -> str:
        return f"{service.name}.{service.namespace}.svc.{self.name}"

    def names_at(self, address: str) -> list[str]:
        """The name of the Service with this cluster IP; else those of all endpoints that are there."""
        services = [parse_service(each) for each in self._services.by_index(BY_ADDRESS, address)]
        if services:
            return [self.name_of(services[0])]
        names = {
            f"{endpoint.label}.{self._name_of_key(key)}": None
            for each in self._slices.by_index(BY_ADDRESS, address)
            for key in service_of(each)
            for endpoint in parse_slices([each])
            if endpoint.address == address
        }
        return list(names)

    def _name_of_key(self, key: str) -> str:
        namespace, _, name = key.partition("/")
        return f"{name}.{namespace}.svc.{self.name}"

    @property
    def name_server(self) -> str:
        """The name that the zone is served under."""
        return f"{self._dns.name}.{self._dns.namespace}.svc.{self.name}"

    def server_addresses(self) -> tuple[str, ...]:
        service = self.service(*self._dns)
        return service.addresses if service else ()
