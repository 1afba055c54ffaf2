"""Cluster IPs: an address is taken while its IPAddress object exists (KEP-1880)."""

from __future__ import annotations

import ipaddress
import random
import uuid
from collections.abc import Callable
from datetime import datetime

from apimachinery.objects import Object, get_path
from apimachinery.scheme import IP_ADDRESSES
from apimachinery.serialize import to_json
from apimachinery.times import format_time
from apimachinery.well_known import ADDRESS_MANAGED_BY, IP_ALLOCATOR
from apiserver.registry.allocator_metrics import counted_ip
from apiserver.registry.allocators import AlreadyAllocated, NotInRange, RangeFull, candidates, reserved_band
from apiserver.storage.entry import object_of
from apiserver.storage.interface import KeyExists, RevisionMismatch, Storage

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressAllocator:
    """Gives out the addresses of one service range such as `10.96.0.0/12`."""

    def __init__(self, cidr: str, randomness: random.Random) -> None:
        self.network: Network = ipaddress.ip_network(cidr)
        # An IPv4 range has a broadcast address too; nobody gets the first address.
        self.size = self.network.num_addresses - (2 if self.network.version == 4 else 1)
        self._random = randomness

    @property
    def family(self) -> str:
        return f"IPv{self.network.version}"

    async def allocate(self, storage: Storage, address: str, service: Object, now: datetime) -> None:
        """Takes this address for the service. Raises NotInRange, AlreadyAllocated."""
        if ipaddress.ip_address(address) not in self.network:
            raise NotInRange("the provided network does not match the current range")
        with counted_ip(str(self.network), "static"):
            ip = self.check(address)
            if not await self._create(storage, str(ip), service, now):
                raise AlreadyAllocated("provided IP is already allocated")

    def check(self, address: str) -> Address:
        """An address of the range. Raises NotInRange."""
        ip = ipaddress.ip_address(address)
        if not 0 < int(ip) - int(self.network.network_address) <= self.size:
            raise NotInRange(
                f"the provided IP ({ip}) is not in the valid range. The range of valid IPs is {self.network}"
            )
        return ip

    async def allocate_next(
        self, storage: Storage, service: Object, now: datetime, is_known: Callable[[str], bool]
    ) -> str:
        """Takes any free address; `is_known` spares asking the store for those that are surely taken.

        Raises RangeFull.
        """
        reserved = reserved_band(self.size, share=16, most=256)
        with counted_ip(str(self.network), "dynamic"):
            for offset in candidates(self.size, reserved, self._random):
                address = str(self.network[offset + 1])
                if not is_known(address) and await self._create(storage, address, service, now):
                    return address
            raise RangeFull

    async def release(self, storage: Storage, address: str, service: Object) -> None:
        """Frees the address, if it is still this service's."""
        key = IP_ADDRESSES.storage_key("", address)
        found = await storage.get(key)
        if found is None or get_path(object_of(found), "spec.parentRef") != _parent(service):
            return
        try:
            await storage.delete(key, found.revision)
        except RevisionMismatch:
            # Gone, or changed by somebody who has looked after it since.
            return

    async def _create(self, storage: Storage, address: str, service: Object, now: datetime) -> bool:
        try:
            await storage.create(
                IP_ADDRESSES.storage_key("", address),
                to_json(_ip_address(address, self.family, service, now)),
            )
        except KeyExists:
            return False
        return True


def _parent(service: Object) -> Object:
    metadata = service["metadata"]
    return {
        "group": "",
        "resource": "services",
        "namespace": metadata.get("namespace") or "",
        "name": metadata.get("name") or "",
    }


def _ip_address(address: str, family: str, service: Object, now: datetime) -> Object:
    return {
        "apiVersion": IP_ADDRESSES.api_version,
        "kind": IP_ADDRESSES.kind,
        "metadata": {
            "name": address,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": format_time(now),
            "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                ADDRESS_MANAGED_BY: IP_ALLOCATOR,
            },
        },
        "spec": {"parentRef": _parent(service)},
    }
