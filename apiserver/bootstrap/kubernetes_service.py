"""The Service default/kubernetes and where it leads: the addresses of all apiservers that are alive."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Sequence

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.scheme import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from apimachinery.well_known import SERVICE_NAME, SKIP_MIRROR
from apiserver.bootstrap.apiserver_addresses import Addresses
from apiserver.bootstrap.policy import Wanted
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.storage.interface import StorageError

log = logging.getLogger(__name__)

_LEAVE_SECONDS = 5.0
"""So long an apiserver that ends tries to be forgotten: the store may be gone already."""
_NAME = {"name": "kubernetes", "namespace": "default"}


class KubernetesService:
    """Keeps the Service and its endpoints current."""

    def __init__(
        self, bootstrapper: Bootstrapper, addresses: Addresses, *, service_ip: str, port: int, node_port: int
    ) -> None:
        """`node_port`: 0 for none."""
        self._bootstrapper = bootstrapper
        self._addresses = addresses
        self._service = service(service_ip, port, node_port)
        self._port = port
        self._turn = asyncio.Lock()
        self._has_left = False

    async def sync(self) -> None:
        """One pass. Raises StatusError, StorageError."""
        async with self._turn:
            if not self._has_left:
                await self._bootstrapper.ensure(Wanted(SERVICES, self._service))
                await self._lead_to(await self._addresses.with_own())

    async def leave(self) -> None:
        """Leads here no longer: from now on passes do nothing."""
        self._has_left = True
        try:
            async with asyncio.timeout(_LEAVE_SECONDS), self._turn:
                await self._lead_to(await self._addresses.without_own())
        except (StatusError, StorageError, TimeoutError) as error:
            log.warning("Unable to remove endpoints from kubernetes service: err=%s", error or "timed out")

    async def _lead_to(self, alive: Sequence[str] | None) -> None:
        if alive is None:
            return
        # Nobody else could reach a loopback address, and Endpoints may not hold one.
        addresses = [each for each in alive if not ipaddress.ip_address(each).is_loopback]
        for resource, obj in (
            (ENDPOINTS, endpoints(addresses, self._port)),
            (ENDPOINT_SLICES, endpoint_slice(addresses, self._port)),
        ):
            await self._bootstrapper.replace(Wanted(resource, obj), ("subsets", "endpoints", "ports"))


def service(address: str, port: int, node_port: int = 0) -> Object:
    """Of type NodePort where there is one."""
    exposed = {"nodePort": node_port} if node_port else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**_NAME, "labels": {"provider": "kubernetes", "component": "apiserver"}},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": ["IPv6" if ":" in address else "IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port, **exposed}],
            "sessionAffinity": "None",
            "type": "NodePort" if node_port else "ClusterIP",
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
