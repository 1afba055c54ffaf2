"""The Service default/kubernetes and where it leads: the addresses of all apiservers that are alive.

Each apiserver holds a key with a lease in the store, as upstream's lease reconciler does; the endpoints are
the addresses whose keys are there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from apimachinery.objects import Object
from apimachinery.scheme import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from apimachinery.well_known import SERVICE_NAME, SKIP_MIRROR
from apiserver.bootstrap.policy import Wanted
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.storage.interface import KeyExists, RevisionMismatch, Storage

_LEASES = "/registry/masterleases/"
_TTL = 30
_NAME = {"name": "kubernetes", "namespace": "default"}


class KubernetesService:
    """Keeps the Service and its endpoints current."""

    def __init__(
        self, bootstrapper: Bootstrapper, storage: Storage, *, service_ip: str, address: str, port: int
    ) -> None:
        self._bootstrapper = bootstrapper
        self._storage = storage
        self._service_ip = service_ip
        self._address = address
        self._port = port

    async def sync(self) -> None:
        """One pass: be seen, then write down who is."""
        await self._bootstrapper.ensure(Wanted(SERVICES, service(self._service_ip, self._port)))
        await self._renew()
        page = await self._storage.list(_LEASES)
        seen = (each.key[len(_LEASES) :] for each in page.items)
        # Nobody else could reach a loopback address, and Endpoints may not hold one.
        addresses = sorted(each for each in seen if not ipaddress.ip_address(each).is_loopback)
        for resource, obj in (
            (ENDPOINTS, endpoints(addresses, self._port)),
            (ENDPOINT_SLICES, endpoint_slice(addresses, self._port)),
        ):
            await self._bootstrapper.replace(Wanted(resource, obj), ("subsets", "endpoints", "ports"))

    async def _renew(self) -> None:
        key = _LEASES + self._address
        lease = await self._storage.grant(_TTL)
        current = await self._storage.get(key)
        value = b'{"kind":"Endpoints","apiVersion":"v1","metadata":{}}'
        try:
            if current is None:
                await self._storage.create(key, value, lease=lease)
            else:
                await self._storage.update(key, value, current.revision, lease=lease)
        except (KeyExists, RevisionMismatch):
            # Ran out, or came back, in between: the next pass is soon enough.
            return


def service(address: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**_NAME, "labels": {"provider": "kubernetes", "component": "apiserver"}},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": ["IPv6" if ":" in address else "IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
    }


def endpoints(addresses: Sequence[str], port: int) -> Object:
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {**_NAME, "labels": {SKIP_MIRROR: "true"}},
        "subsets": [{"addresses": [{"ip": address} for address in addresses], "ports": ports}]
        if addresses
        else [],
    }


def endpoint_slice(addresses: Sequence[str], port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**_NAME, "labels": {SERVICE_NAME: "kubernetes"}},
        "addressType": "IPv6" if any(":" in address for address in addresses) else "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
