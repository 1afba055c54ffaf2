"""LoadBalancer Services on a real apiserver: addresses, Events, finalizers, and back into the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import EVENTS, SERVICES
from client.rest import Client
from component_base.clock import now
from controller_manager.manager import run_controllers
from controller_manager.options import Options
from controller_manager.service_load_balancer import FINALIZER
from tests.fakes.control_plane import ControlPlane

LIMIT = 120.0
OPTIONS = Options(controllers=("service-lb-controller",), load_balancer_pool=("192.0.2.8/30",))


@asynccontextmanager
async def controller(folder: Path) -> AsyncIterator[Client]:
    plane = ControlPlane(folder)
    try:
        await plane.start()
        admin, own = plane.client(), plane.client("controller-manager")
        task = asyncio.create_task(run_controllers(own, OPTIONS, now))
        yield admin
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(admin.aclose(), own.aclose())
    finally:
        plane.stop()


def balancer(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
    }  # fmt: skip


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT):
        while not await look():  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0.02)


async def address(client: Client, name: str) -> str:
    ingress = get_path(await client.get(SERVICES, name, "default"), "status.loadBalancer.ingress", [])
    return ingress[0]["ip"] if ingress else ""


async def reasons(client: Client, name: str) -> list[str]:
    events = (await client.list(EVENTS, "default"))["items"]
    return [each["reason"] for each in events if each["involvedObject"]["name"] == name]


async def test_addresses_are_given_and_come_back(tmp_path: Path) -> None:
    async with controller(tmp_path) as client:
        for name in ("one", "two"):
            await client.create(SERVICES, balancer(name))
            await until(lambda name=name: _has_address(client, name))  # type: ignore[misc]
        assert {await address(client, "one"), await address(client, "two")} == {"192.0.2.9", "192.0.2.10"}
        one = await client.get(SERVICES, "one", "default")
        assert one["metadata"]["finalizers"] == [FINALIZER]
        assert one["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.9", "ipMode": "VIP"}]
        await until(lambda: _has_reasons(client, "one", ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]))

        await client.create(SERVICES, balancer("three"))
        await until(lambda: _has_reasons(client, "three", ["SyncLoadBalancerFailed"]))
        await client.delete(SERVICES, "one", "default")
        await until(lambda: _has_address(client, "three"))
        assert await address(client, "three") == "192.0.2.9"
        await until(lambda: _is_gone(client, "one"))

        await client.patch(SERVICES, "two", {"spec": {"type": "ClusterIP"}}, "default")
        await until(lambda: _has_reasons(client, "two", ["DeletingLoadBalancer", "DeletedLoadBalancer"]))
        two = await client.get(SERVICES, "two", "default")
        assert (two["metadata"].get("finalizers"), two["status"]) == (None, {"loadBalancer": {}})


async def test_wishes_are_granted_and_other_classes_left_alone(tmp_path: Path) -> None:
    async with controller(tmp_path) as client:
        await client.create(SERVICES, balancer("other", loadBalancerClass="example.com/other"))
        await client.create(SERVICES, balancer("wish", loadBalancerIP="192.0.2.10"))
        await until(lambda: _has_address(client, "wish"))
        assert await address(client, "wish") == "192.0.2.10"
        await client.patch(SERVICES, "wish", {"spec": {"loadBalancerIP": "192.0.2.9"}}, "default")
        await until(lambda: _is(client, "wish", "192.0.2.9"))
        other = await client.get(SERVICES, "other", "default")
        assert (other["metadata"].get("finalizers"), other["status"]) == (None, {"loadBalancer": {}})


async def _is(client: Client, name: str, ip: str) -> bool:
    return await address(client, name) == ip


async def _has_address(client: Client, name: str) -> bool:
    return bool(await address(client, name))


async def _has_reasons(client: Client, name: str, wanted: list[str]) -> bool:
    return set(wanted) <= set(await reasons(client, name))


async def _is_gone(client: Client, name: str) -> bool:
    try:
        await client.get(SERVICES, name, "default")
    except NotFoundError:
        return True
    return False
