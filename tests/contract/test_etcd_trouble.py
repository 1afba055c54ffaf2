"""API servers over a real etcd that restarts, forgets and is shared: nothing lost, nobody lied to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from apiserver.storage.etcd import EtcdStorage
from apiserver.storage.sole_writer import SoleWriter
from tests.fakes.api import Api, serving
from tests.fakes.etcd_server import EtcdServer
from tests.integration.plane import eventually

MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    """An etcd for one test alone, to be treated badly."""
    if shutil.which("etcd") is None:
        pytest.skip("needs etcd")
    server = EtcdServer(tmp_path)
    server.start()
    yield server
    server.stop()


alone_or_not = pytest.mark.parametrize("sole", [False, True], ids=["one of several", "sole"])
"""Whether the server may rely on nobody else's writing."""


@asynccontextmanager
async def api_server(etcd: EtcdServer, *, sole: bool = False, limit: float = 10) -> AsyncIterator[Api]:
    storage = EtcdStorage([etcd.endpoint], timeout=limit)
    try:
        async with serving(SoleWriter(storage) if sole else storage) as api:
            yield api
    finally:
        await storage.aclose()


async def create(api: Api, name: str) -> Any:
    answer = await api.request("POST", MAPS, {"metadata": {"name": name}})
    assert answer.status == 201, answer.json
    return answer.json


async def names(api: Api) -> list[str]:
    answer = await api.request("GET", MAPS)
    assert answer.status == 200, answer.json
    return [item["metadata"]["name"] for item in answer.json["items"]]


async def test_two_servers_see_each_others_writes_at_once(etcd: EtcdServer) -> None:
    async with api_server(etcd) as one, api_server(etcd) as two:
        for index in range(20):
            await create(one, f"n{index:02}")
            assert len(await names(two)) == index + 1, "a read is as new as the last write anywhere"


async def test_two_servers_lose_no_update(etcd: EtcdServer) -> None:
    async with api_server(etcd) as one, api_server(etcd) as two:
        await create(one, "a")
        writes = [
            api.request("PATCH", f"{MAPS}/a", {"data": {f"k{index}": "v"}}, MERGE)
            for index in range(15)
            for api in (one, two)
        ]
        assert {answer.status for answer in await asyncio.gather(*writes)} == {200}
        assert len((await two.request("GET", f"{MAPS}/a")).json["data"]) == 15


@alone_or_not
async def test_a_restart_of_etcd_is_only_slow(etcd: EtcdServer, sole: bool) -> None:
    async with api_server(etcd, sole=sole) as api, api.watch(f"{MAPS}?watch=1") as watching:
        await create(api, "a")
        await asyncio.to_thread(etcd.stop)
        waiting = asyncio.create_task(create(api, "b"))
        await asyncio.to_thread(etcd.start)
        await waiting
        assert await names(api) == ["a", "b"]
        events = await watching.take(2)
        assert [event["object"]["metadata"]["name"] for event in events] == ["a", "b"]


@alone_or_not
async def test_a_restored_backup_is_what_is_read(etcd: EtcdServer, sole: bool) -> None:
    async with api_server(etcd, sole=sole) as api:
        await create(api, "old")
        await asyncio.to_thread(etcd.restart, etcd.save)
        await create(api, "new")
        assert await names(api) == ["new", "old"]
        await asyncio.to_thread(etcd.restart, etcd.restore)
        await eventually(lambda: names(api), lambda found: found == ["old"])
        assert await create(api, "other")
        assert await names(api) == ["old", "other"]


async def test_history_compacted_while_away_ends_watches_and_reads_stay_right(etcd: EtcdServer) -> None:
    async with api_server(etcd) as api, api.watch(f"{MAPS}?watch=1") as watching:
        old = await create(api, "old")
        await watching.take(1)
        etcd.stop()
        etcd.start()
        await _change_and_compact(etcd, old)
        async with asyncio.timeout(120):
            assert await names(api) == ["new"]
            # Either the watch was back before the compaction, or it was cut off.
            while not watching.ended.is_set() and watching.events.qsize() < 2:  # noqa: ASYNC110 - either of two
                await asyncio.sleep(0.05)
        told = [watching.events.get_nowait()["type"] for _ in range(watching.events.qsize())]
        assert watching.ended.is_set() or told == ["ADDED", "DELETED"]


async def _change_and_compact(etcd: EtcdServer, old: Any) -> None:
    """By another hand, before the server under test is connected again."""
    storage = EtcdStorage([etcd.endpoint])
    prefix = "/registry/configmaps/default/"
    await storage.create(f"{prefix}new", b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"new"}}')
    deleted = await storage.delete(f"{prefix}old", int(old["metadata"]["resourceVersion"]))
    await storage.compact(deleted)
    await storage.aclose()


@alone_or_not
async def test_an_etcd_that_does_not_answer_is_unavailable_not_empty(etcd: EtcdServer, sole: bool) -> None:
    async with api_server(etcd, sole=sole, limit=2) as api:
        await create(api, "a")
        await names(api)
        etcd.stop()
        assert (await api.request("POST", MAPS, {"metadata": {"name": "b"}})).status == 503
        answer = await api.request("GET", MAPS)
        assert (answer.status, answer.json["reason"]) == (503, "ServiceUnavailable")
        stale = await api.request("GET", f"{MAPS}?resourceVersion=0")
        assert len(stale.json["items"]) == 1, "what may be old can still be read"


async def test_an_object_that_etcd_refuses_is_told_in_its_words(etcd: EtcdServer) -> None:
    async with api_server(etcd) as api:
        path = "/apis/batch/v1/namespaces/default/jobs"
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
        padding = {f"example.com/{index}": "x" * 1000 for index in range(200)}
        env = [{"name": f"E{index}", "value": "x" * 1000} for index in range(1600)]
        template["spec"]["containers"][0]["env"] = env  # type: ignore[index]
        job = {"metadata": {"name": "j", "annotations": padding}, "spec": {"template": template}}
        answer = await api.request("POST", path, job)
        assert (answer.status, answer.json["message"]) == (500, "etcdserver: request is too large")


async def test_events_share_leases_and_go_by_themselves(etcd: EtcdServer) -> None:
    from apiserver.registry.lease_pool import LeasePool

    storage = EtcdStorage([etcd.endpoint])
    pool = LeasePool(storage, 1, lambda: 0.0)
    try:
        leases = {await pool.lease() for _ in range(1500)}
        assert len(leases) == 2, "a thousand objects share one"
    finally:
        await storage.aclose()
