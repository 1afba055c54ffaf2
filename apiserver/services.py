"""Where a Service is served just now: one of its ready endpoints, whatever the proxies on this machine do.

Source: staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go (ResolveEndpoint) of Kubernetes 1.34.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from apimachinery.errors import NotFoundError, ServiceUnavailableError
from apimachinery.objects import Object, get_path, labels_of
from apimachinery.scheme import ENDPOINT_SLICES, SERVICES
from apimachinery.well_known import SERVICE_NAME
from apiserver.storage.watch_cache import WatchCache


class ServiceAddresses:
    """As the watch cache knows Services and EndpointSlices."""

    def __init__(self, cache: WatchCache, randomness: random.Random) -> None:
        self._cache = cache
        self._randomness = randomness

    def of(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Host and port. Raises NotFoundError, ServiceUnavailableError."""
        entry = self._cache.resource(SERVICES).get(namespace, name)
        if entry is None:
            raise NotFoundError("service", name)
        found = ready_addresses(self.slices(namespace, name), port_name_of(entry.obj, port))
        if not found:
            raise ServiceUnavailableError(f'no endpoints available for service "{name}"')
        return self._randomness.choice(found)

    def slices(self, namespace: str, name: str) -> list[Object]:
        """A Service's EndpointSlices."""
        found = (entry.obj for entry in self._cache.resource(ENDPOINT_SLICES).entries(namespace))
        return [each for each in found if labels_of(each).get(SERVICE_NAME) == name]


def port_name_of(service: Object, port: int) -> str:
    """The name of the Service's port with this number. Raises ServiceUnavailableError if it has none."""
    for each in get_path(service, "spec.ports") or ():
        if each["port"] == port:
            return str(each.get("name") or "")
    raise ServiceUnavailableError(f'no service port {port} found for service "{service["metadata"]["name"]}"')


def ready_addresses(slices: Iterable[Object], port_name: str) -> list[tuple[str, int]]:
    """What serves the port of this name; endpoints that do not say whether they are ready are."""
    return [
        (address, port["port"])
        for each in slices
        for port in each.get("ports") or ()
        if (port.get("name") or "") == port_name
        for endpoint in each.get("endpoints") or ()
        if get_path(endpoint, "conditions.ready", True)
        for address in endpoint["addresses"]
    ]
