"""Many pods at once, watched from their POST to Ready and from their deletion until they are gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, name_of
from apimachinery.scheme import PODS
from client.rest import Client
from component_base.kubeconfig import load
from kubeadm.config import ClusterConfig

NAMESPACE, LABEL = "default", "bench=kubelet"
LIMIT = 600.0


@dataclass(slots=True)
class Herd:
    """Pods of this run. Times are those of one monotonic clock."""

    client: Client
    ready: dict[str, float] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, count: int, **container: object) -> list[float]:
        """Seconds from each POST to Ready, the quickest first."""
        names = [f"bench-{index}" for index in range(count)]
        sent: dict[str, float] = {}

        async def create(name: str) -> None:
            sent[name] = time.monotonic()
            await self.client.create(PODS, make_pod(name, **container), NAMESPACE)

        self.ready.clear()
        await asyncio.gather(*map(create, names))
        await self._until(lambda: self.ready.keys() >= set(names))
        return sorted(self.ready[name] - sent[name] for name in names)

    async def delete(self) -> list[float]:
        """Seconds from the request that deletes all to each one's end."""
        names, began = set(self.ready), time.monotonic()
        self.gone.clear()
        await self.client.delete_collection(PODS, NAMESPACE, params={"labelSelector": LABEL})
        await self._until(lambda: self.gone.keys() >= names)
        return sorted(self.gone[name] - began for name in names)

    async def follow(self) -> None:
        """Never ends."""
        listed = await self.client.list(PODS, NAMESPACE, label_selector=LABEL)
        version = listed["metadata"]["resourceVersion"]
        async for kind, pod in self.client.watch(
            PODS, NAMESPACE, resource_version=version, label_selector=LABEL
        ):
            if kind == "DELETED":
                self.gone[name_of(pod)] = time.monotonic()
            elif kind != "BOOKMARK" and is_condition_true(pod, "Ready"):
                self.ready.setdefault(name_of(pod), time.monotonic())
            self._news.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not holds():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def herd(config: ClusterConfig) -> AsyncIterator[Herd]:
    """Its pods are gone afterwards."""
    client = Client(load(str(config.admin_kubeconfig)), user_agent="bench")
    made = Herd(client)
    following = asyncio.create_task(made.follow())
    try:
        yield made
    finally:
        await client.delete_collection(PODS, NAMESPACE, params={"labelSelector": LABEL})
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await client.aclose()


def make_pod(name: str, **container: object) -> Object:
    key, _, value = LABEL.partition("=")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {key: value}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "containers": [
                {"name": "c", "image": "busybox:local", "command": ["sleep", "100000"], **container}
            ],
        },
    }
