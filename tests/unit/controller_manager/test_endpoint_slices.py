"""EndpointSlices with hints for zones, and what the Service's Events say of them."""

import asyncio
from typing import Any

import pytest

from apimachinery.objects import Object, get_path
from apimachinery.scheme import ENDPOINT_SLICES, NODES, PODS, SERVICES
from controller_manager.endpoint_slices import EndpointSliceController
from controller_manager.options import Options
from tests.unit.controller_manager.cluster import Cluster, running


class Zones(Cluster):
    def __init__(self, **options: Any) -> None:
        super().__init__([EndpointSliceController], [SERVICES, NODES, ENDPOINT_SLICES], Options(**options))

    async def _see_to(self, pod: Object) -> None:
        return

    async def fill(self) -> None:
        for zone in "ab":
            labels = {"topology.kubernetes.io/zone": zone}
            status = {"allocatable": {"cpu": "1"}, "conditions": [{"type": "Ready", "status": "True"}]}
            await self.api.create(NODES, {"metadata": {"name": zone, "labels": labels}, "status": status})
        metadata: Object = {"name": "web", "namespace": "ns"}
        metadata["annotations"] = {"service.kubernetes.io/topology-mode": "Auto"}
        await self.api.create(SERVICES, {"metadata": metadata, "spec": {"selector": {"app": "web"}}})

    async def create_pod(self, name: str, node: str) -> None:
        spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": node}
        metadata = {"name": name, "namespace": "ns", "labels": {"app": "web"}}
        made = await self.api.create(PODS, {"metadata": metadata, "spec": spec})
        ready = [{"type": "Ready", "status": "True"}]
        ip = f"10.0.0.{len(self.api.find(PODS))}"
        status = {"phase": "Running", "podIP": ip, "conditions": ready}
        await self.api.update_status(PODS, {**made, "status": status})

    def addresses(self) -> int:
        return sum(len(slice_["endpoints"] or ()) for slice_ in self.api.find(ENDPOINT_SLICES))

    def hints(self) -> list[str]:
        slices = self.api.find(ENDPOINT_SLICES)
        endpoints = [each for slice_ in slices for each in slice_["endpoints"]]
        return sorted(zone["name"] for each in endpoints for zone in get_path(each, "hints.forZones", []))


@pytest.mark.looptime
async def test_hints_come_with_enough_endpoints_and_go_with_the_zones() -> None:
    it = Zones()
    await it.fill()
    async with running(it):
        await it.create_pod("one", "a")
        await it.until(lambda: bool(it.events("TopologyAwareHintsDisabled")))
        assert "Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4" in it.events(
            "TopologyAwareHintsDisabled"
        )
        await it.create_pod("two", "a")
        await it.until(lambda: it.hints() == ["a", "b"])
        assert it.events("TopologyAwareHintsEnabled") == [
            "Topology Aware Hints has been enabled, addressType: IPv4"
        ]
        await it.api.delete(NODES, "b")
        await it.until(lambda: it.hints() == [])


@pytest.mark.looptime
@pytest.mark.parametrize("period", [0, 20])
async def test_pods_may_be_gathered_for_a_while(period: float) -> None:
    it, loop = Zones(endpointslice_updates_batch_period=period), asyncio.get_running_loop()
    await it.fill()
    async with running(it):
        await it.until(lambda: bool(it.api.find(ENDPOINT_SLICES)))
        began = loop.time()
        await it.create_pod("one", "a")
        await it.create_pod("two", "a")
        await it.until(lambda: it.addresses() == 2)
    assert period <= loop.time() - began < period + 10
