"""The highly available demo under random trouble and a writing client.

What was acknowledged is there in the end, no pod runs twice, and work goes on within bounds.
SAMPAN_CHAOS_SECONDS and SAMPAN_CHAOS_SEED say how long and in which order.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apimachinery.errors import AlreadyExistsError, ConflictError, StatusError
from apimachinery.objects import Object
from apimachinery.scheme import CONFIG_MAPS, DEPLOYMENTS, NODES, STATEFUL_SETS
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.kubeconfig import ClientConfig
from tests.fakes.compose import Project, project

pytestmark = pytest.mark.machines

SECONDS = float(os.environ.get("SAMPAN_CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("SAMPAN_CHAOS_SEED", "1"))
WRITES_RECOVER, PODS_RECOVER = 60.0, 300.0
"""Bounds, in seconds, on two cores that all of the cluster shares, and other tests with it."""
MACHINES = ("node1", "node2", "node3")
API, KEEPERS = ("apiserver1", "apiserver2"), ("etcd1", "etcd2", "etcd3")
DAEMONS = (*API, "controller-manager1", "controller-manager2", "scheduler1", "scheduler2", "haproxy")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Project]:
    with project("ha") as made:
        yield made


@dataclass
class Writer:
    """Creates objects and counts one up, for as long as it runs; knows what was acknowledged."""

    client: Client
    created: set[str] = field(default_factory=set)
    added: int = 0
    perhaps_added: int = 0
    last: float = 0.0
    longest: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        self.last = time.monotonic()
        await self.client.create(CONFIG_MAPS, config_map("counter", "0"), "default")
        number = 0
        while True:
            number += 1
            await self._tried(self._create, f"written-{number}")
            await self._tried(self._add_one)
            self.longest = max(self.longest, time.monotonic() - self.last)
            await asyncio.sleep(0.02)

    async def _tried(self, write: Callable[..., Awaitable[None]], *arguments: str) -> None:
        try:
            async with asyncio.timeout(10):
                await write(*arguments)
        except (StatusError, ConnectionFailed, TimeoutError) as error:
            self.failed[type(error).__name__] += 1
        else:
            self.last = time.monotonic()

    async def _create(self, name: str) -> None:
        with suppress(AlreadyExistsError):
            await self.client.create(CONFIG_MAPS, config_map(name, name), "default")
        self.created.add(name)

    async def _add_one(self) -> None:
        counter = await self.client.get(CONFIG_MAPS, "counter", "default")
        counter["data"]["value"] = str(int(counter["data"]["value"]) + 1)
        try:
            await self.client.update(CONFIG_MAPS, counter)
        except ConflictError:
            raise
        except BaseException:
            self.perhaps_added += 1
            raise
        self.added += 1


def config_map(name: str, value: str) -> Object:
    metadata = {"name": name, "labels": {"chaos": "yes"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def workload(kind: str, name: str, replicas: int) -> Object:
    labels = {"app": name}
    container = {"name": "c", "image": "busybox:1.36", "command": ["sleep", "100000"]}
    tolerations = [
        {
            "key": f"node.kubernetes.io/{each}",
            "effect": "NoExecute",
            "operator": "Exists",
            "tolerationSeconds": 600,
        }
        for each in ("not-ready", "unreachable")
    ]
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, "tolerations": tolerations}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            **({"serviceName": name} if kind == "StatefulSet" else {}),
        },
    }  # fmt: skip


@dataclass
class Trouble:
    """One thing that goes wrong, and what is done about it after a while."""

    name: str
    strike: Callable[[ExitStack], Any]
    seconds: float = 3.0


def troubles(cluster: Project) -> list[Trouble]:
    def killed(service: str) -> Callable[[ExitStack], Any]:
        def strike(stack: ExitStack) -> None:
            cluster.kill(service)
            stack.callback(cluster.start, service)

        return strike

    def on(machine: str, script: str) -> Callable[[ExitStack], Any]:
        return lambda stack: cluster.run(machine, script)

    def cut(service: str) -> Callable[[ExitStack], Any]:
        return lambda stack: stack.enter_context(cluster.cut_off(service))

    found = [Trouble(f"kill -9 of {each}", killed(each)) for each in (*DAEMONS, "etcd2")]
    for machine, unit in zip(MACHINES, ("kubelet", "proxy", "kubelet"), strict=True):
        up = f"until systemctl is-active --quiet sampan-{unit}; do sleep 0.2; done"  # after other trouble
        kill = f"{up}; kill -9 $(systemctl show -P MainPID sampan-{unit})"
        found.append(Trouble(f"kill -9 of {machine}'s {unit}", on(machine, kill)))
    found.append(Trouble("restart of node1's Docker", on("node1", "systemctl restart docker")))
    found.append(Trouble("reboot of node2", lambda stack: cluster.restart("node2")))
    found.append(Trouble("node3 cut off until it is lost", cut("node3"), 30.0))
    found.append(Trouble("etcd3 cut off", cut("etcd3"), 8.0))
    found.append(Trouble("apiserver1 cut off", cut("apiserver1"), 8.0))
    return found


async def settled(client: Client) -> bool:
    """Every machine Ready, every pod that is wanted there and ready."""
    nodes = (await client.list(NODES))["items"]
    ready = [node for node in nodes if _is_ready(node)]
    web = await client.get(DEPLOYMENTS, "web", "default")
    db = await client.get(STATEFUL_SETS, "db", "default")
    return (
        len(ready) == len(MACHINES)
        and (web.get("status") or {}).get("readyReplicas") == 6
        and (db.get("status") or {}).get("readyReplicas") == 3
    )


def _is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def until_settled(client: Client, limit: float) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        with suppress(StatusError, ConnectionFailed, TimeoutError):
            async with asyncio.timeout(10):
                if await settled(client):
                    return time.monotonic() - began
        await asyncio.sleep(0.2)
    raise AssertionError(f"not settled within {limit:g} s")


def running_twice(cluster: Project) -> list[str]:
    """Pods of the StatefulSet that run in more than one container at this moment."""
    listing = "docker ps --format '{{.Names}}' --filter name=k8s_c_db-"
    found: Counter[str] = Counter()
    for machine in MACHINES:
        with suppress(AssertionError):  # it may be the one that is in trouble
            found.update(line.split("_")[2] for line in cluster.run(machine, listing).splitlines())
    return [pod for pod, count in found.items() if count > 1]


async def watch_for_doubles(cluster: Project, seen: list[str]) -> None:
    while True:
        seen += await asyncio.to_thread(running_twice, cluster)
        await asyncio.sleep(1)


async def check_writes(client: Client, writer: Writer) -> None:
    kept = (await client.list(CONFIG_MAPS, "default", label_selector="chaos=yes"))["items"]
    values = {each["metadata"]["name"]: each["data"]["value"] for each in kept}
    counted = int(values.pop("counter"))
    lost = {name for name in writer.created if values.get(name) != name}
    assert not lost, f"acknowledged and lost: {sorted(lost)[:5]}"
    assert writer.added <= counted <= writer.added + writer.perhaps_added


async def play(cluster: Project, config: ClientConfig) -> list[str]:
    """Strikes until time is up; the lines of the report."""
    client, own = Client(config, user_agent="writer"), Client(config, user_agent="test")
    await own.create(DEPLOYMENTS, workload("Deployment", "web", 6), "default")
    await own.create(STATEFUL_SETS, workload("StatefulSet", "db", 3), "default")
    await until_settled(own, PODS_RECOVER)
    writer, doubles = Writer(client), list[str]()
    tasks = [
        asyncio.create_task(writer.run()),
        asyncio.create_task(watch_for_doubles(cluster, doubles)),
    ]
    report = [f"{'trouble':<32} {'no write for':>12} {'settled after':>14}"]
    order = random.Random(SEED)
    chosen, end = troubles(cluster), time.monotonic() + SECONDS
    order.shuffle(chosen)
    for trouble in chosen:
        if time.monotonic() > end:
            break
        writer.longest = 0.0
        with ExitStack() as stack:
            await asyncio.to_thread(trouble.strike, stack)
            await asyncio.sleep(trouble.seconds)
        took = await until_settled(own, PODS_RECOVER)
        report.append(f"{trouble.name:<32} {writer.longest:>11.1f}s {took:>13.1f}s")
        assert writer.longest <= WRITES_RECOVER, report
        assert not tasks[0].done(), tasks[0].exception()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await check_writes(own, writer)
    assert not doubles, f"running twice: {set(doubles)}"
    report.append(
        f"{len(writer.created)} creates and {writer.added} updates acknowledged and kept; "
        f"failed meanwhile: {dict(writer.failed)}"
    )
    for each in (client, own):
        await each.aclose()
    return report


def test_nothing_acknowledged_is_lost_and_no_pod_runs_twice(cluster: Project, tmp_path: Path) -> None:
    config = cluster.administrator("apiserver2", tmp_path)
    print("\n" + "\n".join(asyncio.run(play(cluster, config))))


def test_what_its_readme_tries(cluster: Project) -> None:
    printed = cluster.try_out("application", "rollout", "survival")
    assert "visits answered meanwhile, 0 failed" in printed
    assert "scaled to five copies" in printed
