"""Addresses and ports are given out once, and come back."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from apimachinery.errors import InternalError, InvalidError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import IP_ADDRESSES, SERVICE_CIDRS
from apimachinery.serialize import to_json
from apiserver.registry.allocated_addresses import AllocatedAddresses
from apiserver.registry.allocators import candidates, reserved_band
from apiserver.registry.allocators_ports import PortAllocator
from apiserver.registry.allocators_ranges import AddressRanges, usable_cidrs
from apiserver.registry.strategies.service import ServiceStrategy
from apiserver.registry.strategies.service_allocation import ServiceAllocator
from apiserver.registry.strategy import WriteContext
from apiserver.storage.interface import Storage
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache
from tests.unit.apiserver.strategies.objects import NOW, make, service
from tests.unit.counting import Counting


class Cluster:
    """A service strategy over a store, and what a server does with it."""

    def __init__(self, storage: Storage, *, ips: str = "10.96.0.0/24", ports: str = "30000-30099") -> None:
        dice = random.Random(0)
        self.ports = PortAllocator(ports, dice)
        self.strategy = ServiceStrategy(ServiceAllocator(AddressRanges(ips, dice), self.ports))
        self.storage = storage

    def context(self, dry_run: bool = False) -> WriteContext:
        return WriteContext(lambda *key: None, self.storage, dry_run, now=lambda: NOW)

    async def create(self, name: str = "a", *, dry_run: bool = False, **spec: Any) -> Object:
        obj = service(**spec)
        obj["metadata"]["name"] = name
        self.strategy.default(obj)
        self.strategy.prepare_for_create(obj)
        await self.strategy.begin_create(self.context(dry_run), obj)
        assert self.strategy.validate(obj) == []
        return obj

    async def update(self, old: Object, **spec: Any) -> Object:
        new = deep_copy(old)
        new["spec"] |= spec
        self.strategy.default(new)
        self.strategy.prepare_for_update(new, old)
        await self.strategy.begin_update(self.context(), new, old)
        assert self.strategy.validate_update(new, old) == []
        await self.strategy.after_update(self.context(), new, old)
        return new

    async def addresses(self) -> list[str]:
        page = await self.storage.list(IP_ADDRESSES.storage_prefix)
        return [item.key.rpartition("/")[2] for item in page.items]

    async def taken_ports(self) -> set[int]:
        return await self.ports.taken(self.storage)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(MemoryStorage())


async def test_a_service_gets_an_address_and_its_families(cluster: Cluster) -> None:
    spec = (await cluster.create())["spec"]
    assert spec["clusterIPs"] == [spec["clusterIP"]] == await cluster.addresses()
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


async def test_a_headless_service_without_selector_speaks_both_families(cluster: Cluster) -> None:
    spec = (await cluster.create(clusterIP="None"))["spec"]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")
    assert await cluster.addresses() == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(
            {"clusterIP": "10.96.0.9"},
            'spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: '
            "provided IP is already allocated",
            id="taken address",
        ),
        pytest.param(
            {"clusterIP": "192.0.2.1"},
            'spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: '
            "the provided network does not match the current range",
            id="foreign address",
        ),
        pytest.param(
            {"clusterIP": "home"},
            'spec.clusterIPs[0]: Invalid value: "home": must be a valid IP address, '
            "(e.g. 10.9.8.7 or 2001:db8::ffff)",
            id="no address",
        ),
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack"},
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
            "this cluster is not configured for dual-stack services",
            id="two families",
        ),
        pytest.param(
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30050}]},
            "spec.ports[0].nodePort: Invalid value: 30050: provided port is already allocated",
            id="taken port",
        ),
        pytest.param(
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. "
            "The range of valid ports is 30000-30099",
            id="foreign port",
        ),
    ],
)
async def test_what_cannot_be_had_is_refused_and_nothing_is_lost(
    cluster: Cluster, spec: Object, message: str
) -> None:
    await cluster.create(clusterIP="10.96.0.9", type="NodePort", ports=[{"port": 80, "nodePort": 30050}])
    before = (await cluster.addresses(), await cluster.taken_ports())
    with pytest.raises(InvalidError) as refused:
        await cluster.create("b", **spec)
    assert refused.value.message == f'Service "b" is invalid: {message}'
    assert (await cluster.addresses(), await cluster.taken_ports()) == before


async def test_one_node_port_serves_two_protocols_of_a_port(cluster: Cluster) -> None:
    ports = [{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}]
    made = (await cluster.create(type="NodePort", ports=ports))["spec"]["ports"]
    assert made[0]["nodePort"] == made[1]["nodePort"]
    assert await cluster.taken_ports() == {made[0]["nodePort"]}


async def test_another_node_port_takes_the_place_of_the_old_one(cluster: Cluster) -> None:
    old = await cluster.create(type="NodePort", ports=[{"port": 80, "nodePort": 30050}])
    await cluster.update(old, ports=[{"port": 80, "nodePort": 30051}])
    assert await cluster.taken_ports() == {30051}


async def test_a_change_of_type_takes_and_gives_back(cluster: Cluster) -> None:
    plain = await cluster.create()
    exposed = await cluster.update(plain, type="NodePort")
    assert len(await cluster.taken_ports()) == 1
    named = await cluster.update(exposed, type="ExternalName", externalName="a.example")
    assert (await cluster.addresses(), await cluster.taken_ports()) == ([], set())
    again = await cluster.update(named, type="ClusterIP", externalName="")
    assert await cluster.addresses() == again["spec"]["clusterIPs"]


async def test_a_local_load_balancer_gets_a_health_check_port(cluster: Cluster) -> None:
    balancer = await cluster.create(type="LoadBalancer", externalTrafficPolicy="Local")
    assert await cluster.taken_ports() == {
        balancer["spec"]["healthCheckNodePort"],
        balancer["spec"]["ports"][0]["nodePort"],
    }


async def test_a_deleted_service_gives_everything_back(cluster: Cluster) -> None:
    made = await cluster.create(type="NodePort")
    await cluster.strategy.after_delete(cluster.context(), made)
    assert (await cluster.addresses(), await cluster.taken_ports()) == ([], set())


async def test_an_address_of_somebody_else_is_not_given_back(cluster: Cluster) -> None:
    made = await cluster.create()
    impostor = {**made, "metadata": {**made["metadata"], "name": "impostor"}}
    await cluster.strategy.after_delete(cluster.context(), impostor)
    assert await cluster.addresses() == made["spec"]["clusterIPs"]


async def test_a_dry_run_takes_nothing(cluster: Cluster) -> None:
    made = await cluster.create(type="NodePort", dry_run=True)
    assert made["spec"]["ports"][0]["nodePort"]
    assert (await cluster.addresses(), await cluster.taken_ports()) == ([], set())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30050}]},
            "spec.ports[0].nodePort: Invalid value: 30050: provided port is already allocated",
            id="a port of another service",
        ),
        pytest.param(
            {"clusterIP": "1.2.3.4"},
            'spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: '
            "the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/24",
            id="an address of elsewhere",
        ),
    ],
)
async def test_a_dry_run_refuses_what_could_not_be_had(cluster: Cluster, spec: Object, message: str) -> None:
    await cluster.create("other", type="NodePort", ports=[{"port": 80, "nodePort": 30050}])
    with pytest.raises(InvalidError, match=re.escape(message)):
        await cluster.create(dry_run=True, **spec)


async def test_rollback_gives_back_what_was_taken(cluster: Cluster) -> None:
    obj = service(type="NodePort")
    cluster.strategy.default(obj)
    cluster.strategy.prepare_for_create(obj)
    rollback = await cluster.strategy.begin_create(cluster.context(), obj)
    await rollback()
    assert (await cluster.addresses(), await cluster.taken_ports()) == ([], set())


async def test_servers_that_allocate_at_once_never_agree() -> None:
    storage = MemoryStorage()
    clusters = [Cluster(storage, ips="10.96.0.0/26") for _ in range(3)]
    made = await asyncio.gather(*(clusters[n % 3].create(f"s{n}", type="NodePort") for n in range(30)))
    assert len({each["spec"]["clusterIP"] for each in made}) == 30
    assert len({each["spec"]["ports"][0]["nodePort"] for each in made}) == 30


async def test_a_full_range_says_so() -> None:
    cluster = Cluster(MemoryStorage(), ips="10.96.0.0/30")
    for n in range(2):
        await cluster.create(f"s{n}")
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        await cluster.create("s2")


def service_cidr(name: str, cidr: str, ready: str = "True", **metadata: Any) -> Object:
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    return make(
        SERVICE_CIDRS, name, metadata=metadata, spec={"cidrs": [cidr]}, status={"conditions": conditions}
    )


async def test_a_further_range_serves_when_the_first_is_full_and_who_asks_for_it() -> None:
    cluster = Cluster(MemoryStorage(), ips="10.96.0.0/30")
    more = service_cidr("more", "192.0.2.0/29")
    await cluster.storage.create(SERVICE_CIDRS.storage_key("", "more"), to_json(more))
    asked = await cluster.create("asked", clusterIP="192.0.2.3")
    made = [(await cluster.create(f"s{n}"))["spec"]["clusterIP"] for n in range(7)]
    assert asked["spec"]["clusterIPs"] == ["192.0.2.3"]
    assert [each.rpartition(".")[0] for each in made] == ["10.96.0"] * 2 + ["192.0.2"] * 5
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        await cluster.create("late")
    await cluster.strategy.after_delete(cluster.context(), asked)
    assert "192.0.2.3" not in await cluster.addresses()


def test_addresses_come_from_ranges_that_stay_and_that_nobody_has_judged_unfit() -> None:
    cidrs = [
        service_cidr("ready", "10.1.0.0/24"),
        service_cidr("new", "10.2.0.0/24", ready=""),
        service_cidr("unfit", "10.3.0.0/24", ready="False"),
        service_cidr("going", "10.4.0.0/24", deletionTimestamp="2026-01-01T00:00:00Z"),
    ]
    assert usable_cidrs(cidrs) == ["10.1.0.0/24", "10.2.0.0/24"]


async def test_another_range_starts_with_an_empty_bitmap() -> None:
    storage = MemoryStorage()
    await Cluster(storage, ports="30000-30099").create(type="NodePort")
    assert await Cluster(storage, ports="31000-31099").taken_ports() == set()


@pytest.mark.parametrize(("size", "reserved"), [(8, 0), (16, 16), (254, 16), (4094, 255), (2**20 - 2, 256)])
def test_low_addresses_are_left_to_those_who_ask(size: int, reserved: int) -> None:
    assert reserved_band(size, share=16, most=256) == reserved


def test_every_candidate_comes_once_and_the_reserved_ones_last() -> None:
    order = list(candidates(100, 16, random.Random(0)))
    assert sorted(order) == list(range(100))
    assert set(order[-16:]) == set(range(16))


async def test_what_is_given_out_is_counted(cluster: Cluster) -> None:
    counting = Counting()
    await cluster.create(type="NodePort", ports=[{"port": 80}])
    await cluster.create("b", clusterIP="10.96.0.9")
    with pytest.raises(InvalidError):
        await cluster.create("c", clusterIP="10.96.0.9")
    ips, ports = "kube_apiserver_clusterip_allocator", "kube_apiserver_nodeport_allocator"
    cidr = "10.96.0.0/24"
    assert counting.more(f"{ips}_allocation_total", cidr=cidr, scope="dynamic") == 1
    assert counting.more(f"{ips}_allocation_total", cidr=cidr, scope="static") == 1
    assert counting.more(f"{ips}_allocation_errors_total", cidr=cidr, scope="static") == 1
    assert counting.more(f"{ips}_allocation_duration_seconds_count", cidr=cidr) == 2
    assert counting.more(f"{ports}_allocation_total", scope="dynamic") == 1
    gauges = [REGISTRY.get_sample_value(f"{ports}_{each}_ports") for each in ("allocated", "available")]
    assert gauges == [1, 99]


async def test_it_is_told_how_many_addresses_are_left(cluster: Cluster) -> None:
    await cluster.create()
    cache = WatchCache(cluster.storage)
    families = AllocatedAddresses(cache, "10.96.0.0/24").collect
    feeding = asyncio.create_task(cache.run())
    cache.resource(IP_ADDRESSES)
    await cache.ready.wait()
    assert [sample.value for family in families() for sample in family.samples] == [1, 253]
    feeding.cancel()
