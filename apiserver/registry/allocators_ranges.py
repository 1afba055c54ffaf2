"""Cluster IPs out of several ranges: the one of the flag, and those of further ServiceCIDRs (KEP-1880)."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Iterable
from datetime import datetime

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path, is_terminating
from apimachinery.scheme import SERVICE_CIDRS
from apiserver.registry.allocators import NotInRange, RangeFull
from apiserver.registry.allocators_ips import AddressAllocator
from apiserver.storage.entry import object_of
from apiserver.storage.interface import Storage


class AddressRanges:
    """Speaks as one AddressAllocator does. Other ranges are only looked up when the flag's is not enough."""

    def __init__(self, cidr: str, randomness: random.Random) -> None:
        self._default = AddressAllocator(cidr, randomness)
        self._randomness = randomness

    @property
    def family(self) -> str:
        return self._default.family

    @property
    def first(self) -> str:
        """The address that a dry run is told."""
        return str(self._default.network[1])

    def check(self, address: str) -> None:
        """Whether it could be given out by the flag's range. Raises NotInRange."""
        self._default.check(address)

    async def allocate(self, storage: Storage, address: str, service: Object, now: datetime) -> None:
        """Takes this address for the service. Raises NotInRange, AlreadyAllocated."""
        ip = ipaddress.ip_address(address)
        if ip in self._default.network:
            return await self._default.allocate(storage, address, service, now)
        for each in await self._others(storage):
            if ip in each.network:
                return await each.allocate(storage, address, service, now)
        raise NotInRange("the provided network does not match the current range")

    async def allocate_next(
        self, storage: Storage, service: Object, now: datetime, is_known: Callable[[str], bool]
    ) -> str:
        """Takes any free address. Raises RangeFull."""
        try:
            return await self._default.allocate_next(storage, service, now, is_known)
        except RangeFull:
            for each in await self._others(storage):
                try:
                    return await each.allocate_next(storage, service, now, is_known)
                except RangeFull:
                    continue
            raise

    async def release(self, storage: Storage, address: str, service: Object) -> None:
        """Frees the address, if it is still this service's."""
        await self._default.release(storage, address, service)

    async def _others(self, storage: Storage) -> list[AddressAllocator]:
        found = await storage.list(SERVICE_CIDRS.storage_prefix)
        cidrs = usable_cidrs(object_of(item) for item in found.items)
        made = [AddressAllocator(cidr, self._randomness) for cidr in cidrs]
        return [each for each in made if each.family == self.family and each.network != self._default.network]


def usable_cidrs(service_cidrs: Iterable[Object]) -> list[str]:
    """The ranges to take addresses from: of what is ready or has not been judged yet, and stays."""
    return [
        cidr
        for each in service_cidrs
        if not is_terminating(each) and (condition_of(each, "Ready") or {}).get("status", "True") == "True"
        for cidr in get_path(each, "spec.cidrs", [])
    ]
