"""A Deployment of a thousand pods up and down again, and a Job of a thousand completions, on hollow nodes.

What controllers, scheduler and kubelets take together, as ratios to what bare creates and deletes of such
pods take in the same run: 1 would mean that all they do costs nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, get_path
from apimachinery.scheme import DEPLOYMENTS, JOBS, NAMESPACES, NODES, PODS
from client.rest import Client
from component_base.kubeconfig import load
from kubeadm.config import ClusterConfig

COUNT, HOLLOW_NODES, AT_ONCE = 1000, 20, 16
PREFIX, PORT = "bench-hollow", 11250
LIMIT = 600.0
NAMESPACE = "bench-workloads"
LABELS = {"app": "bench"}


def measure(config: ClusterConfig, quick: bool) -> dict[str, float]:
    with _hollow_nodes(config):
        return asyncio.run(_measure(config))


@contextmanager
def _hollow_nodes(config: ClusterConfig) -> Iterator[None]:
    command = [
        sys.executable, "-P", "-m", "kubelet", "--container-runtime=hollow", f"--hollow-nodes={HOLLOW_NODES}",
        f"--hostname-override={PREFIX}", f"--port={PORT}", "--healthz-port=0",
        f"--kubeconfig={config.admin_kubeconfig}", "--node-labels=bench=hollow",
    ]  # fmt: skip
    with (config.log_dir / "bench-hollow.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def _measure(config: ClusterConfig) -> dict[str, float]:
    async with _client(config) as client:
        nodes = [f"{PREFIX}-{index}" for index in range(HOLLOW_NODES)]
        for node in nodes:
            await _until(lambda node=node: _is_ready(client, node))  # type: ignore[misc]  # a loop's variable
        try:
            return await _rates(client)
        finally:
            for node in nodes:
                await client.delete(NODES, node)


async def _rates(client: Client) -> dict[str, float]:
    creating, deleting = await _bare(client)
    up, down = await _deployment(client)
    job = await _job(client)
    print(f"  bare: {COUNT} creates {creating:.1f} s, {COUNT} deletes {deleting:.1f} s")
    print(f"  Deployment 0 to {COUNT} {up:.1f} s, to 0 {down:.1f} s; Job of {COUNT} {job:.1f} s")
    return {
        "Deployment of 1000, up": creating / up,
        "Deployment of 1000, down": deleting / down,
        "Job of 1000": (creating + deleting) / job,
    }


async def _bare(client: Client) -> tuple[float, float]:
    """Pods that no scheduler takes: seconds to create and to delete them."""
    names = [f"bare-{index:04d}" for index in range(COUNT)]

    async def create(name: str) -> None:
        metadata = {"name": name, "labels": LABELS}
        await client.create(
            PODS, {"metadata": metadata, "spec": {**_pod(), "schedulerName": "none"}}, NAMESPACE
        )

    async def delete(name: str) -> None:
        await client.delete(PODS, name, NAMESPACE, options={"gracePeriodSeconds": 0})

    return await _all(create, names), await _all(delete, names)


async def _all(act: Callable[[str], Awaitable[None]], names: list[str]) -> float:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with gate:
            await act(name)

    began = time.monotonic()
    await asyncio.gather(*map(one, names))
    return time.monotonic() - began


async def _deployment(client: Client) -> tuple[float, float]:
    template = {"metadata": {"labels": LABELS}, "spec": _pod()}
    spec = {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": template}
    await client.create(DEPLOYMENTS, {"metadata": {"name": "bench"}, "spec": spec}, NAMESPACE)

    async def scale(replicas: int) -> float:
        began = time.monotonic()
        await client.patch(DEPLOYMENTS, "bench", {"spec": {"replicas": replicas}}, NAMESPACE)
        await _until(lambda: _has_pods(client, replicas))
        return time.monotonic() - began

    return await scale(COUNT), await scale(0)


async def _has_pods(client: Client, wanted: int) -> bool:
    deployment = await client.get(DEPLOYMENTS, "bench", NAMESPACE)
    if get_path(deployment, "status.readyReplicas", 0) != wanted:
        return False
    return bool(wanted) or not (await client.list(PODS, NAMESPACE, limit=1))["items"]


async def _job(client: Client) -> float:
    template = {"spec": {**_pod("true"), "restartPolicy": "Never"}}
    spec = {"completions": COUNT, "parallelism": COUNT, "template": template}
    began = time.monotonic()
    await client.create(JOBS, {"metadata": {"name": "bench"}, "spec": spec}, NAMESPACE)
    await _until(lambda: _is_complete(client))
    return time.monotonic() - began


async def _is_complete(client: Client) -> bool:
    return is_condition_true(await client.get(JOBS, "bench", NAMESPACE), "Complete")


async def _is_ready(client: Client, node: str) -> bool:
    found = (await client.list(NODES, field_selector=f"metadata.name={node}"))["items"]
    return bool(found) and is_condition_true(found[0], "Ready") and not found[0]["spec"].get("taints")


def _pod(*command: str) -> Object:
    """What a pod of these runs; a grace of 1 s, since nothing in it has to be waited for."""
    container = {"name": "c", "image": "busybox:1.36", **({"command": list(command)} if command else {})}
    selector = {"bench": "hollow"}
    return {"containers": [container], "nodeSelector": selector, "terminationGracePeriodSeconds": 1}


@asynccontextmanager
async def _client(config: ClusterConfig) -> AsyncIterator[Client]:
    """The administrator's, with a namespace to work in that goes in the end."""
    client = Client(load(config.admin_kubeconfig), user_agent="sampan-bench")
    try:
        await client.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
        yield client
    finally:
        await client.delete(NAMESPACES, NAMESPACE)
        await client.aclose()


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks ten times a second: rarely enough to cost nothing beside the work."""
    async with asyncio.timeout(LIMIT):
        while not await holds():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)
