"""Work that goes on while processes are killed, stopped and lost: no acknowledged write may be missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import kubernetes
import pytest

from apimachinery import pods
from apimachinery.errors import AlreadyExistsError, StatusError
from apimachinery.objects import Object, is_terminating
from apimachinery.scheme import CONFIG_MAPS, DEPLOYMENTS, LEASES, PODS, REPLICA_SETS
from client.errors import ConnectionFailed
from client.informer import Informer
from client.rest import Client
from tests.integration.deployments import of_app, settled
from tests.integration.plane import (
    API,
    CONTROLLERS,
    ETCD,
    SCHEDULER,
    SHORT_LEADERSHIP,
    Flags,
    Plane,
    cancelled,
    config_map,
    deployment,
    eventually,
)


@pytest.fixture(scope="module")
def plane_flags() -> Flags:
    return SHORT_LEADERSHIP


@pytest.fixture(scope="module", autouse=True)
def _going(plane: Plane) -> None:
    return None


def apps_api(plane: Plane) -> Any:
    """The official client."""
    return kubernetes.client.AppsV1Api(
        kubernetes.config.new_client_from_config(str(plane.config.admin_kubeconfig))
    )


async def test_the_official_client_rolls_out_without_a_gap_and_deletes_all(
    plane: Plane, client: Client
) -> None:
    api = apps_api(plane)
    await asyncio.to_thread(api.create_namespaced_deployment, "default", deployment("web", 8))
    await settled(client, "web", 8)
    fewest, most = 8, 8
    informer = Informer(client, PODS, namespace="default", label_selector="app=web")

    def count(old: Object | None, new: Object | None) -> None:
        nonlocal fewest, most
        seen = informer.list()
        if informer.synced:
            fewest = min(fewest, sum(pods.is_ready(pod) for pod in seen))
            most = max(most, sum(not is_terminating(pod) for pod in seen))

    informer.add_handler(count)
    watching = asyncio.create_task(informer.run())
    await informer.wait_synced()
    body = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "busybox:2"}]}}}}
    await asyncio.to_thread(api.patch_namespaced_deployment, "web", "default", body)
    await settled(client, "web", 8)
    await cancelled(watching)
    assert fewest >= 6, "maxUnavailable is a quarter"
    assert most <= 10, "maxSurge is a quarter"
    staying = [pod for pod in await of_app(client, "web") if not is_terminating(pod)]
    assert {pod["spec"]["containers"][0]["image"] for pod in staying} == {"busybox:2"}
    await asyncio.to_thread(api.delete_namespaced_deployment, "web", "default")
    await eventually(lambda: of_app(client, "web"), lambda left: not left)
    sets = await client.list(REPLICA_SETS, "default", label_selector="app=web")
    assert sets["items"] == []


@contextlib.asynccontextmanager
async def writer(client: Client, prefix: str) -> AsyncIterator[dict[str, str]]:
    """Creates and changes ConfigMaps all the while; yields what was acknowledged, by name."""
    acknowledged: dict[str, str] = {}

    async def write() -> None:
        for number in range(100_000):
            name, value = f"{prefix}-{number % 40}", str(number)
            with contextlib.suppress(StatusError, ConnectionFailed):
                try:
                    await client.create(CONFIG_MAPS, config_map(name, {"n": value}))
                except AlreadyExistsError:
                    await client.patch(CONFIG_MAPS, name, {"data": {"n": value}}, "default")
                acknowledged[name] = value
            await asyncio.sleep(0.02)

    task = asyncio.create_task(write())
    try:
        yield acknowledged
    finally:
        await cancelled(task)


@pytest.mark.parametrize("victim", [ETCD, API, SCHEDULER, CONTROLLERS, "hollow"])
async def test_a_killed_process_costs_no_acknowledged_write_and_work_goes_on(
    plane: Plane, client: Client, victim: str
) -> None:
    name = f"steady-{victim}"
    await client.create(DEPLOYMENTS, deployment(name, 4))
    await settled(client, name, 4)
    before = {pod["metadata"]["uid"] for pod in await of_app(client, name)}
    async with writer(client, victim) as acknowledged:
        await eventually(lambda: asyncio.sleep(0, len(acknowledged) > 20))
        await client.patch(DEPLOYMENTS, name, {"spec": {"replicas": 12}}, "default")
        plane.restart(victim)
        count = len(acknowledged)
        await settled(client, name, 12)
        await eventually(lambda: asyncio.sleep(0, len(acknowledged) >= min(count + 5, 40)))
    stored = {each["metadata"]["name"]: each["data"].get("n") for each in await maps(client)}
    for key, value in acknowledged.items():
        assert int(stored[key]) >= int(value), f"an acknowledged write of {key} is gone"
    now = await of_app(client, name)
    assert before <= {pod["metadata"]["uid"] for pod in now}, "what ran was disturbed"
    restarts = [each["restartCount"] for pod in now for each in pod["status"]["containerStatuses"]]
    assert victim == "hollow" or set(restarts) == {0}
    await client.delete(DEPLOYMENTS, name, "default")


async def maps(client: Client) -> list[Object]:
    return list((await client.list(CONFIG_MAPS, "default"))["items"])


async def holder(client: Client, name: str) -> str:
    lease = await client.get(LEASES, name, "kube-system")
    return str(lease["spec"].get("holderIdentity") or "")


@pytest.mark.parametrize("role", [SCHEDULER, CONTROLLERS])
async def test_a_frozen_leader_is_replaced_and_never_works_again(
    plane: Plane, client: Client, role: str
) -> None:
    old = await holder(client, role)
    plane.run(role, as_name=f"{role}-2")
    await asyncio.sleep(1.5)  # the second one is a candidate by then; that it leads not is the point
    assert await holder(client, role) == old
    plane.pause(role)
    await client.create(DEPLOYMENTS, deployment(f"led-{role}", 3))
    await settled(client, f"led-{role}", 3)
    new = await holder(client, role)
    assert new not in ("", old)
    plane.go_on(role)
    await eventually(lambda: asyncio.sleep(0, "lost the lease" in plane.log(role)))
    assert await holder(client, role) == new
    await client.patch(DEPLOYMENTS, f"led-{role}", {"spec": {"replicas": 5}}, "default")
    await settled(client, f"led-{role}", 5)
    plane.terminate(f"{role}-2")
    assert await holder(client, role) != new, "who ends gives the lease back"
    await eventually(lambda: holder(client, role), lambda who: who not in ("", new))
    await client.delete(DEPLOYMENTS, f"led-{role}", "default")


OPERATOR = """
import kopf, kubernetes

def api():
    kubernetes.config.load_kube_config()
    return kubernetes.client.CoreV1Api()

def copy_of(body):
    copy = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "copy-of-" + body["metadata"]["name"]},
            "stringData": dict(body["data"])}
    kopf.adopt(copy, owner=body)
    return copy

@kopf.on.create("configmaps", labels={"copied": "yes"})
def create(body, namespace, **_):
    api().create_namespaced_secret(namespace, copy_of(body))
    return "copied"

@kopf.on.update("configmaps", labels={"copied": "yes"}, field="data")
def update(body, namespace, **_):
    copy = copy_of(body)
    api().replace_namespaced_secret(copy["metadata"]["name"], namespace, copy)

@kopf.on.delete("configmaps", labels={"copied": "yes"})
def delete(body, namespace, **_):
    note = {"metadata": {"name": "farewell"}, "data": dict(body["data"])}
    api().create_namespaced_config_map(namespace, note)
"""


async def test_an_operator_written_with_kopf_follows_its_objects(plane: Plane, client: Client) -> None:
    script = plane.config.state_dir / "operator.py"
    script.write_text(OPERATOR)
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace=default", str(script)]
    environment = {**os.environ, "KUBECONFIG": str(plane.config.admin_kubeconfig)}
    with (plane.config.log_dir / "kopf.log").open("wb") as log:
        operator = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: ASYNC220
    try:
        await client.create(CONFIG_MAPS, config_map("original", {"a": "1"}, labels={"copied": "yes"}))
        await eventually(secret_has(client, b"1"))
        await client.patch(CONFIG_MAPS, "original", {"data": {"a": "2"}}, "default")
        await eventually(secret_has(client, b"2"))
        original = await client.get(CONFIG_MAPS, "original", "default")
        assert original["metadata"]["finalizers"], "the operator holds on to it"
        await client.delete(CONFIG_MAPS, "original", "default")
        await eventually(
            lambda: client.get(CONFIG_MAPS, "farewell", "default"), lambda it: it["data"] == {"a": "2"}
        )
        await eventually(lambda: names(client, "secrets"), lambda found: "copy-of-original" not in found)
    except AssertionError as error:
        raise AssertionError(plane.log("kopf")[-3000:]) from error
    finally:
        operator.terminate()
        await asyncio.to_thread(operator.wait)


def secret_has(client: Client, value: bytes) -> Callable[[], Any]:
    async def look() -> bool:
        return _encoded(value) in await client.request(
            "GET", "/api/v1/namespaces/default/secrets/copy-of-original"
        )

    return look


def _encoded(value: bytes) -> bytes:
    return {b"1": b'"a":"MQ=="', b"2": b'"a":"Mg=="'}[value]


async def names(client: Client, plural: str) -> str:
    return (await client.request("GET", f"/api/v1/namespaces/default/{plural}")).decode()
