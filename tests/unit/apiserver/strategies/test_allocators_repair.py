"""What a crash left behind is mended, and nothing that is being written is touched."""

from __future__ import annotations

import asyncio
import random

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import IP_ADDRESSES, SERVICES
from apimachinery.serialize import to_json
from apiserver.registry.allocators_ports import PortAllocator
from apiserver.registry.allocators_ranges import AddressRanges
from apiserver.registry.allocators_repair import (
    INTERVAL,
    ROUNDS_BEFORE_FREEING,
    AllocationRepair,
    plan_repair,
)
from apiserver.storage.memory import MemoryStorage
from tests.unit.apiserver.strategies.objects import NOW, make, service

PORTS = PortAllocator("30000-30099", random.Random(0))
ADDRESSES = AddressRanges("10.96.0.0/24", random.Random(0))
WITH_BOTH = {"clusterIPs": ["10.96.0.9"], "ports": [{"port": 80, "nodePort": 30050}]}


def named(name: str, **spec: object) -> Object:
    obj = service(**spec)
    obj["metadata"]["name"] = name
    return obj


def address(ip: str, owner: str) -> Object:
    labels = {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}
    return make(
        IP_ADDRESSES,
        ip,
        metadata={"labels": labels},
        spec={"parentRef": {"namespace": "shop", "name": owner}},
    )


def test_a_plan_is_empty_when_all_agrees() -> None:
    plan = plan_repair([named("a", **WITH_BOTH)], {30050}, [address("10.96.0.9", "a")])
    assert (plan.ports_to_take, plan.addresses_to_take, plan.leaked) == (frozenset(), {}, frozenset())


def test_a_plan_finds_both_kinds_of_disagreement() -> None:
    plan = plan_repair([named("a", **WITH_BOTH)], {30051}, [address("10.96.0.10", "gone")])
    assert plan.ports_to_take == {30050}
    assert list(plan.addresses_to_take) == ["10.96.0.9"]
    assert plan.leaked == {30051, ("10.96.0.10", "shop", "gone")}


def test_an_address_of_another_service_is_forgotten() -> None:
    plan = plan_repair([named("a", **WITH_BOTH)], {30050}, [address("10.96.0.9", "b")])
    assert plan.leaked == {("10.96.0.9", "shop", "b")}


async def repaired(storage: MemoryStorage, rounds: int) -> tuple[set[int], list[str]]:
    repair = AllocationRepair(storage, ADDRESSES, PORTS, lambda: NOW)
    for _ in range(rounds):
        await repair.run_once()
    page = await storage.list(IP_ADDRESSES.storage_prefix)
    return await PORTS.taken(storage), [item.key.rpartition("/")[2] for item in page.items]


async def test_what_nobody_has_is_freed_only_after_a_while() -> None:
    storage = MemoryStorage()
    await PORTS.allocate(storage, 30051)
    await ADDRESSES.allocate(storage, "10.96.0.10", named("gone"), NOW)
    assert await repaired(storage, ROUNDS_BEFORE_FREEING - 1) == ({30051}, ["10.96.0.10"])
    assert await repaired(storage, ROUNDS_BEFORE_FREEING) == (set(), [])


async def test_a_service_gets_back_what_is_marked_free() -> None:
    storage = MemoryStorage()
    await storage.create(SERVICES.storage_key("shop", "a"), to_json(named("a", **WITH_BOTH)))
    assert await repaired(storage, 1) == ({30050}, ["10.96.0.9"])


@pytest.mark.looptime
async def test_a_value_that_cannot_be_read_holds_it_up_until_it_can() -> None:
    storage, key = MemoryStorage(), f"{SERVICES.storage_prefix}shop/a"
    revision = await storage.create(key, b"k8s:enc:aescbc:v1:lost:")
    repair = asyncio.create_task(AllocationRepair(storage, ADDRESSES, PORTS, lambda: NOW).run())
    await asyncio.sleep(1)
    await storage.update(key, to_json(named("a", **WITH_BOTH)), revision)
    await asyncio.sleep(INTERVAL)
    assert not repair.done()
    assert await PORTS.taken(storage) == {30050}
    repair.cancel()
