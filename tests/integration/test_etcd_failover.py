"""An etcd of three members of which one dies: nothing acknowledged is lost, and reads and watches go on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from apiserver.storage.etcd import EtcdStorage
from apiserver.storage.interface import KeyExists, StorageUnreachable
from tests.fakes.etcd_cluster import EtcdCluster, etcd_cluster
from tests.integration.plane import cancelled, eventually
from tests.integration.running_apiserver import PATIENCE, running

pytestmark = pytest.mark.skipif(shutil.which("etcd") is None, reason="apt-get install etcd-server")

MAPS = "/api/v1/namespaces/default/configmaps"


class Writer:
    """Creates one key after the other, and notes which were acknowledged and which may be there or not."""

    def __init__(self, storage: EtcdStorage) -> None:
        self._storage = storage
        self.is_done = False
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []

    async def run(self) -> None:
        """Until it is done; then nothing is under way that might still be written."""
        number = 0
        while not self.is_done:
            key, number = f"/registry/test/{number:06}", number + 1
            try:
                await self._storage.create(key, b"{}")
                self.acknowledged.append(key)
            except (StorageUnreachable, KeyExists):
                self.unknown.append(key)

    async def has_written(self, more: int) -> None:
        await until(self.acknowledged, len(self.acknowledged) + more)


@asynccontextmanager
async def stored(cluster: EtcdCluster, first: int) -> AsyncIterator[EtcdStorage]:
    """A storage that begins with the member `first`."""
    endpoints = cluster.endpoints
    storage = EtcdStorage([*endpoints[first:], *endpoints[:first]], timeout=2)
    await storage.current_revision()
    yield storage
    await storage.aclose()


@pytest.mark.parametrize("victim", ["the leader, which is asked", "a follower, which is asked", "the leader"])
async def test_a_member_that_dies_costs_no_acknowledged_write_and_no_event(
    tmp_path: Path, victim: str
) -> None:
    with etcd_cluster(tmp_path) as cluster:
        leader = await cluster.leader()
        dies = leader if "leader" in victim else (leader + 1) % 3
        asked = dies if "asked" in victim else (leader + 1) % 3
        async with stored(cluster, asked) as storage:
            writer, seen = Writer(storage), list[str]()
            watching = asyncio.create_task(follow(storage, seen))
            writing = asyncio.create_task(writer.run())
            await writer.has_written(50)
            cluster.kill(dies)
            await writer.has_written(50)
            told = set(writer.acknowledged)
            assert told <= {each.key for each in (await storage.list("/registry/test/")).items}
            cluster.start(dies)
            await writer.has_written(50)
            writer.is_done = True
            await writing
            there = [item.key for item in (await storage.list("/registry/test/")).items]
            await until(seen, len(there))
            await cancelled(watching)
    assert set(writer.acknowledged) <= set(there)
    assert seen == there, "every event came once, and in order"
    assert len(writer.unknown) <= 10


async def follow(storage: EtcdStorage, seen: list[str]) -> None:
    """As the watch cache does: from the revision that was seen last."""
    revision = 0
    while True:
        try:
            async with aclosing(storage.watch("/registry/test/", revision)) as batches:  # type: ignore[type-var]  # a generator
                async for batch in batches:
                    seen += [event.key for event in batch.events]
                    revision = batch.revision
        except StorageUnreachable:
            await asyncio.sleep(0.05)


async def test_an_apiserver_outlives_the_leader_of_its_etcd(pki: Path, tmp_path: Path) -> None:
    """Some requests fail or take long; what clients were told stays true, and their watches are not cut."""
    with etcd_cluster(tmp_path) as cluster:
        leader = await cluster.leader()
        async with (
            stored(cluster, leader) as storage,
            running(pki, storage=storage) as api,
            api.client("admin") as admin,
        ):
            made: list[str] = []
            watched: list[str] = []
            start = (await admin.get(MAPS)).json()["metadata"]["resourceVersion"]
            watching = asyncio.create_task(watch(admin, start, watched))
            writing = asyncio.create_task(make(admin, made))
            await until(made, 20)
            page = (await admin.get(MAPS, params={"limit": 5})).json()
            cluster.kill(leader)
            await until(made, len(made) + 20)
            rest = await admin.get(
                MAPS, params={"limit": 1000, "continue": page["metadata"]["continue"]}, timeout=PATIENCE
            )
            listed = (await admin.get(MAPS, timeout=PATIENCE)).json()["items"]
            await cancelled(writing)
            names = {each["metadata"]["name"] for each in listed}
            await until(watched, len(made))
            await cancelled(watching)
    assert rest.status_code == 200
    assert names >= set(made[:-20])
    assert set(watched) >= set(made)
    assert len(watched) == len(set(watched)), "no event came twice"


async def make(client: httpx.AsyncClient, made: list[str]) -> None:
    number = 0
    while True:
        name, number = f"m{number:05}", number + 1
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        answer = await client.post(MAPS, json=body, timeout=PATIENCE)
        if answer.status_code == 201:
            made.append(name)
        else:
            assert answer.status_code in (500, 503, 504), answer.text


async def watch(client: httpx.AsyncClient, start: str, seen: list[str]) -> None:
    """One watch, to its end."""
    query = {"watch": "true", "resourceVersion": start}
    async with client.stream("GET", MAPS, params=query, timeout=None) as answer:
        async for line in answer.aiter_lines():
            event = orjson.loads(line)
            assert event["type"] == "ADDED", event
            seen.append(event["object"]["metadata"]["name"])


async def until(names: list[str], count: int) -> None:
    await eventually(lambda: asyncio.sleep(0, len(names)), lambda seen: seen >= count)
