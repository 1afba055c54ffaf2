"""Mends what a crash left behind: numbers that no Service has, and Services whose numbers are marked free.

A number is taken before its Service is written and freed after that is gone; a server that dies in
between leaves it taken. Upstream's repair loops do the same every three minutes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object, get_path, key_of, labels_of, name_of
from apimachinery.scheme import IP_ADDRESSES, SERVICES
from apimachinery.well_known import ADDRESS_MANAGED_BY, IP_ALLOCATOR
from apiserver.registry.allocators import AllocationError
from apiserver.registry.allocators_ports import PortAllocator
from apiserver.registry.allocators_ranges import AddressRanges
from apiserver.storage.entry import object_of
from apiserver.storage.interface import Storage, StorageError

log = logging.getLogger(__name__)

INTERVAL = 180.0
ROUNDS_BEFORE_FREEING = 3
"""A number without a Service may belong to one that is being written: it must stay alone for so long."""

Leaked = int | tuple[str, str, str]
"""A port, or an address with the namespace and name of the Service it was given to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What does not agree: numbers to mark, and numbers that look forgotten."""

    ports_to_take: frozenset[int]
    addresses_to_take: Mapping[str, Object]
    leaked: frozenset[Leaked]


def plan_repair(services: Iterable[Object], taken_ports: set[int], addresses: Iterable[Object]) -> Plan:
    used_ports: set[int] = set()
    used: dict[str, Object] = {}
    for service in services:
        spec = service.get("spec") or {}
        used_ports |= {port.get("nodePort") or 0 for port in spec.get("ports") or ()}
        used_ports.add(spec.get("healthCheckNodePort") or 0)
        used |= {ip: service for ip in spec.get("clusterIPs") or () if ip != "None"}
    used_ports.discard(0)
    owners = {name_of(each): _owner(each) for each in addresses if _is_ours(each)}
    forgotten = {
        (address, *owner)
        for address, owner in owners.items()
        if address not in used or tuple(key_of(used[address])) != owner
    }
    return Plan(
        ports_to_take=frozenset(used_ports - taken_ports),
        addresses_to_take={ip: service for ip, service in used.items() if ip not in owners},
        leaked=frozenset(taken_ports - used_ports) | frozenset(forgotten),
    )


def _is_ours(address: Object) -> bool:
    return labels_of(address).get(ADDRESS_MANAGED_BY) == IP_ALLOCATOR


def _owner(address: Object) -> tuple[str, str]:
    parent = get_path(address, "spec.parentRef") or {}
    return (parent.get("namespace") or "", parent.get("name") or "")


class AllocationRepair:
    """Runs beside the server; several servers may run it at once."""

    def __init__(
        self,
        storage: Storage,
        addresses: AddressRanges,
        ports: PortAllocator,
        now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._addresses = addresses
        self._ports = ports
        self._now = now
        self._suspects: dict[Leaked, int] = {}

    async def run(self) -> None:
        """Never ends."""
        while True:
            try:
                await self.run_once()
            except StorageError as error:
                log.warning("Could not repair allocations, will try again: err=%s", error)
            await asyncio.sleep(INTERVAL)

    async def run_once(self) -> None:
        # Numbers first: what is taken and written while we look has its Service in the later list.
        taken = await self._ports.taken(self._storage)
        addresses = await self._objects(IP_ADDRESSES.storage_prefix)
        plan = plan_repair(await self._objects(SERVICES.storage_prefix), taken, addresses)
        for port in sorted(plan.ports_to_take):
            await self._take_port(port)
        for address, service in plan.addresses_to_take.items():
            await self._take_address(address, service)
        self._suspects = {each: self._suspects.get(each, 0) + 1 for each in plan.leaked}
        for each in [leak for leak, rounds in self._suspects.items() if rounds >= ROUNDS_BEFORE_FREEING]:
            await self._free(each)
            del self._suspects[each]

    async def _objects(self, prefix: str) -> list[Object]:
        return [object_of(item) for item in (await self._storage.list(prefix)).items]

    async def _take_port(self, port: int) -> None:
        try:
            await self._ports.allocate(self._storage, port)
        except AllocationError as error:
            log.warning("Kept a node port as it is: port=%d err=%s", port, error)
        else:
            log.info("Marked a node port as taken: port=%d", port)

    async def _take_address(self, address: str, service: Object) -> None:
        try:
            await self._addresses.allocate(self._storage, address, service, self._now())
        except AllocationError as error:
            log.warning(
                "Kept a cluster IP as it is: service=%s ip=%s err=%s", key_of(service), address, error
            )
        else:
            log.info("Marked a cluster IP as taken: service=%s ip=%s", key_of(service), address)

    async def _free(self, leaked: Leaked) -> None:
        log.info("Freed what no service has: %s", leaked)
        if isinstance(leaked, int):
            await self._ports.release(self._storage, leaked)
        else:
            address, namespace, name = leaked
            owner = {"metadata": {"namespace": namespace, "name": name}}
            await self._addresses.release(self._storage, address, owner)
