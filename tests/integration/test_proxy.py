"""kube-proxy on a real apiserver and etcd, its rules recorded instead of programmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import ENDPOINT_SLICES, NODES, SERVICES
from client.rest import Client
from component_base.clock import now
from kube_proxy.announcer import Announcer
from kube_proxy.assembly import Assembly
from kube_proxy.config import Configuration
from kube_proxy.node import base_context
from kube_proxy.recorded import Recorded
from kube_proxy.ruleset import Ruleset
from tests.fakes.control_plane import ControlPlane

LIMIT = 120.0


@dataclass(frozen=True)
class Proxy:
    client: Client
    writer: Recorded
    announcer: Announcer

    async def rules_when(self, is_so: Callable[[Ruleset], bool]) -> Ruleset:
        async with asyncio.timeout(LIMIT):
            while self.writer.ruleset is None or not is_so(self.writer.ruleset):  # noqa: ASYNC110 - polled
                await asyncio.sleep(0.02)
        return self.writer.ruleset

    async def announced(self, *expected: str) -> None:
        async with asyncio.timeout(LIMIT):
            while self.announcer.wanted != set(expected):  # noqa: ASYNC110 - polled
                await asyncio.sleep(0.02)


@asynccontextmanager
async def proxy(folder: Path, **settings: Any) -> AsyncIterator[Proxy]:
    plane, writer, announcer = ControlPlane(folder), Recorded(), Announcer()
    try:
        await plane.start()
        admin, own = plane.client(), plane.client("proxy")
        config = Configuration(cluster_cidr="10.244.0.0/16", min_sync_period=0.02, **settings)
        assembly = Assembly(own, config, base_context(config, "here"), writer, announcer, now)
        tasks = [asyncio.create_task(each) for each in (assembly.feed(), _run(assembly))]
        yield Proxy(admin, writer, announcer)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(admin.aclose(), own.aclose())
    finally:
        plane.stop()


async def _run(assembly: Assembly) -> None:
    await assembly.wait_synced()
    await assembly.proxier.run()


def make_service(node_port: int) -> Object:
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "type": "NodePort", "ports": [{"name": "http", "port": 80, "nodePort": node_port}],
            "selector": {"app": "web"},
        },
    }  # fmt: skip


def make_slice(*ips: str) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {
            "name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"},
        },
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}} for ip in ips],
    }  # fmt: skip


async def test_rules_follow_a_service_from_its_making_to_its_end(tmp_path: Path) -> None:
    async with proxy(tmp_path) as running:
        client = running.client
        made = await client.create(SERVICES, make_service(30080))
        key = f"{made['spec']['clusterIP']} . tcp . 80"
        rules = await running.rules_when(lambda rules: key in rules.maps["no-endpoint-services"].elements)
        assert rules.maps["no-endpoint-nodeports"].elements["tcp . 30080"].verdict == "goto reject-chain"

        await client.create(ENDPOINT_SLICES, make_slice("10.244.0.5"))
        rules = await running.rules_when(lambda rules: key in rules.maps["service-ips"].elements)
        assert not rules.maps["no-endpoint-services"].elements.get(key)
        assert any("dnat to 10.244.0.5:8080" in str(chain.rules) for chain in rules.chains.values())

        await client.patch(
            SERVICES, "web", {"spec": {"ports": [{"name": "http", "port": 80, "nodePort": 30081}]}}, "default"
        )
        rules = await running.rules_when(
            lambda rules: "tcp . 30081" in rules.maps["service-nodeports"].elements
        )
        assert "tcp . 30080" not in rules.maps["service-nodeports"].elements

        await client.delete(SERVICES, "web", "default")
        await client.delete(ENDPOINT_SLICES, "web-1", "default")
        rules = await running.rules_when(lambda rules: key not in rules.maps["service-ips"].elements)
        assert not [name for name in rules.chains if "default/web" in name]


async def test_node_ports_are_open_on_the_addresses_of_the_node(tmp_path: Path) -> None:
    async with proxy(tmp_path) as running:
        await running.client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "here"}})
        addresses = [{"type": "InternalIP", "address": "192.168.0.2"}]
        await running.client.patch(NODES, "here", {"status": {"addresses": addresses}}, subresource="status")
        await running.rules_when(lambda rules: rules.sets["nodeport-ips"].elements == {"192.168.0.2"})


async def test_a_balancers_address_moves_to_the_node_that_can_answer(tmp_path: Path) -> None:
    async with proxy(tmp_path, load_balancer_pool=("192.0.2.0/24",)) as running:
        client = running.client
        for name, ready in (("here", "True"), ("there", "False")):
            await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
            await set_ready(client, name, ready)
        for name, ip in (("web", "192.0.2.9"), ("foreign", "198.51.100.9")):
            made = make_service(0) | {"metadata": {"name": name, "namespace": "default"}}
            await client.create(SERVICES, {**made, "spec": {**made["spec"], "type": "LoadBalancer"}})
            status = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"}]}}
            await client.patch(SERVICES, name, {"status": status}, "default", subresource="status")
        await running.announced("192.0.2.9")
        await set_ready(client, "here", "Unknown")
        await running.announced()
        await set_ready(client, "here", "True")
        await running.announced("192.0.2.9")


async def set_ready(client: Client, node: str, ready: str) -> None:
    conditions = [{"type": "Ready", "status": ready}]
    await client.patch(NODES, node, {"status": {"conditions": conditions}}, subresource="status")
