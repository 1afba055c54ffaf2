"""Where a service is served just now: one of its ready endpoints, whatever the proxies on this machine do.

Source: staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go (ResolveEndpoint) of Kubernetes 1.34.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from apimachinery.errors import NotFoundError, ServiceUnavailableError
from apimachinery.objects import Object, get_path, labels_of
from apimachinery.scheme import ENDPOINT_SLICES, SERVICES, Resource
from apiserver.storage.cached import Lookup

_SERVICE_NAME = "kubernetes.io/service-name"
Listing = Callable[[Resource, str], Iterable[Object]]
"""(resource, namespace)"""


class Addresses:
    def __init__(self, lookup: Lookup, objects: Listing, randomness: random.Random) -> None:
        self._lookup = lookup
        self._objects = objects
        self._randomness = randomness

    def of(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Raises NotFoundError, ServiceUnavailableError."""
        service = self._lookup(SERVICES, namespace, name)
        if service is None:
            raise NotFoundError(SERVICES, name)
        port_name = port_name_of(service, port)
        slices = self._objects(ENDPOINT_SLICES, namespace)
        found = ready_addresses(
            (each for each in slices if labels_of(each).get(_SERVICE_NAME) == name), port_name
        )
        if not found:
            raise ServiceUnavailableError(f'no endpoints available for service "{name}"')
        return self._randomness.choice(found)


def port_name_of(service: Object, port: int) -> str:
    """Raises ServiceUnavailableError."""
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
