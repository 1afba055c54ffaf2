"""The watch cache: loading, following, being current, and telling the truth after trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from apimachinery.fields import parse_field_selector
from apimachinery.scheme import CONFIG_MAPS, NODES, PODS, SECRETS
from apiserver.storage.entry import Kind
from apiserver.storage.interface import Batch, StorageUnreachable
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.metrics import CacheMetrics
from apiserver.storage.topic import Lagging, Reader
from apiserver.storage.watch_cache import WatchCache


def value(name: str, **spec: object) -> bytes:
    import orjson

    return orjson.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "spec": spec})


class FlakyStorage(MemoryStorage):
    """Can be cut off, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.asked = 0

    async def current_revision(self) -> int:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.down:
            raise StorageUnreachable("down")
        return await super().current_revision()

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        async for batch in super().watch(prefix, revision):
            if self.down:
                raise StorageUnreachable("down")
            yield batch


@asynccontextmanager
async def fed(storage: MemoryStorage) -> AsyncIterator[WatchCache]:
    cache = WatchCache(storage)
    cache.resource(PODS, Kind("v1", "Pod", lambda obj: {"spec.nodeName": obj["spec"].get("nodeName", "")}))
    feeding = asyncio.create_task(cache.run())
    await cache.ready.wait()
    try:
        yield cache
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding


def names(cache: WatchCache, namespace: str | None = None) -> list[str]:
    return [entry.name for entry in cache.resource(PODS).entries(namespace)]


async def test_it_has_what_was_there_and_what_came_later() -> None:
    storage = MemoryStorage()
    await storage.create("/registry/pods/b/x", value("x"))
    async with fed(storage) as cache:
        await storage.create("/registry/pods/a/y", value("y"))
        await storage.create("/registry/pods/c/z", value("z"))
        await cache.fresh()
        assert names(cache) == ["y", "x", "z"]
        assert names(cache, "b") == ["x"]


async def test_loading_takes_pages_of_one_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.storage.watch_cache._PAGE", 3)
    storage = MemoryStorage()
    for index in range(10):
        await storage.create(f"/registry/pods/a/p{index}", value(f"p{index}"))
    async with fed(storage) as cache:
        assert names(cache) == [f"p{index}" for index in range(10)]


async def test_deleted_objects_go_and_their_last_state_is_told() -> None:
    storage = MemoryStorage()
    revision = await storage.create("/registry/pods/a/x", value("x"))
    async with fed(storage) as cache:
        changes = cache.resource(PODS).changes
        reader = Reader(changes, changes.end)
        deleted = await storage.delete("/registry/pods/a/x", revision)
        await cache.fresh()
        [change] = reader.take(10)
        assert (names(cache), change.type, change.revision) == ([], "DELETED", deleted)
        assert change.entry.obj["metadata"] == {"resourceVersion": str(deleted), "name": "x"}


@pytest.mark.looptime
async def test_those_who_ask_at_once_share_the_question_after_the_first() -> None:
    storage = FlakyStorage()
    async with fed(storage) as cache:
        storage.asked = 0
        await asyncio.gather(*(cache.fresh() for _ in range(50)))
        assert storage.asked == 2


@pytest.mark.looptime
async def test_who_gives_up_asking_leaves_the_others_their_answer() -> None:
    storage = FlakyStorage()
    async with fed(storage) as cache:
        calls = [asyncio.create_task(cache.fresh()) for _ in range(3)]
        await asyncio.sleep(0)
        calls[0].cancel()
        done, _ = await asyncio.wait(calls, timeout=1)
        assert [each.cancelled() for each in calls] == [True, False, False]
        assert {each.result() for each in calls[1:]} == {cache.revision}
        assert len(done) == 3


@pytest.mark.looptime
async def test_a_question_under_way_is_not_good_enough_for_a_later_call() -> None:
    storage = FlakyStorage()
    async with fed(storage) as cache:
        storage.asked = 0
        first = asyncio.create_task(cache.fresh())
        await asyncio.sleep(0.005)
        await asyncio.gather(first, *(cache.fresh() for _ in range(10)))
        assert storage.asked == 2


async def test_writes_elsewhere_do_not_hold_up_a_fresh_read() -> None:
    storage = MemoryStorage()
    async with fed(storage) as cache:
        await storage.create("compact_rev_key", b"7")
        assert await asyncio.wait_for(cache.fresh(), 60) == cache.revision


@pytest.mark.looptime
async def test_a_read_that_cannot_be_made_current_fails_rather_than_lies() -> None:
    storage = FlakyStorage()
    async with fed(storage) as cache:
        storage.down = True
        with pytest.raises(StorageUnreachable):
            await cache.fresh()


@pytest.mark.looptime
async def test_it_goes_on_after_the_store_was_away() -> None:
    storage = FlakyStorage()
    async with fed(storage) as cache:
        storage.down = True
        await storage.create("/registry/pods/a/x", value("x"))
        await asyncio.sleep(5)
        assert names(cache) == []
        storage.down = False
        await storage.create("/registry/pods/a/y", value("y"))
        await asyncio.sleep(5)
        assert names(cache) == ["x", "y"]


@pytest.mark.looptime
async def test_history_lost_while_away_cuts_every_watcher_off() -> None:
    storage = FlakyStorage()
    first = await storage.create("/registry/pods/a/x", value("x"))
    async with fed(storage) as cache:
        changes = cache.resource(PODS).changes
        reader = Reader(changes, changes.end)
        storage.down = True
        await storage.delete("/registry/pods/a/x", first)
        last = await storage.create("/registry/pods/a/y", value("y"))
        await storage.compact(last)
        storage.down = False
        await asyncio.sleep(5)
        assert names(cache) == ["y"]
        assert changes.floor == last
        with pytest.raises(Lagging):
            reader.take(1)


@pytest.mark.looptime
async def test_a_store_that_went_back_in_time_is_read_again() -> None:
    storage = FlakyStorage()
    revision = await storage.create("/registry/pods/a/x", value("x"))
    async with fed(storage) as cache:
        revision = await storage.update("/registry/pods/a/x", value("x"), revision)
        await cache.fresh()
        storage.down = True
        await storage.delete("/registry/pods/a/x", revision)
        await asyncio.sleep(1)
        restored = MemoryStorage()
        await restored.create("/registry/pods/a/old", value("old"))
        storage.__dict__.update(restored.__dict__)
        storage.down = False
        await asyncio.sleep(5)
        assert (names(cache), cache.revision) == (["old"], 2)


async def test_what_there_is_is_told_to_prometheus() -> None:
    storage = MemoryStorage()
    await storage.create("/registry/pods/a/one", value("one"))
    async with fed(storage) as cache:
        await storage.update("/registry/pods/a/one", value("one"), cache.revision)
        await storage.create("/registry/pods/a/two", value("two"))
        await cache.fresh()
        samples = {
            each.name: each.value
            for family in CacheMetrics(cache).collect()
            for each in family.samples
            if each.labels["resource"] == "pods"
        }
        pods = cache.resource(PODS)
    assert samples == {
        "apiserver_storage_objects": 2, "apiserver_resource_objects": 2,
        "apiserver_resource_size_estimate_bytes": sum(len(each.body) for each in pods.entries()),
        "apiserver_watch_cache_resource_version": pods.revision,
        "apiserver_storage_events_received_total": 2, "apiserver_watch_cache_events_received_total": 2,
        "apiserver_watch_cache_events_dispatched_total": 2, "apiserver_watch_cache_initializations_total": 1,
        "apiserver_init_events_total": 1,
    }  # fmt: skip


async def test_a_resource_known_late_is_loaded_once() -> None:
    storage = MemoryStorage()
    await storage.create("/registry/secrets/a/one", value("one"))
    async with fed(storage) as cache:
        secrets = cache.resource(SECRETS)
        assert (secrets.counts.loads, secrets.counts.loaded) == (1, 1)


async def test_an_undecodable_value_hides_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    storage = MemoryStorage()
    await storage.create("/registry/pods/a/bad", b"not json")
    await storage.create("/registry/pods/a/good", value("good"))
    async with fed(storage) as cache:
        assert names(cache) == ["good"]
        assert cache.resource(PODS).counts.undecodable == 1
    assert "Failed to decode an object: key=/registry/pods/a/bad" in caplog.text


async def test_a_resource_that_is_asked_for_late_has_everything_too() -> None:
    storage = MemoryStorage()
    await storage.create("/registry/configmaps/a/x", value("x"))
    async with fed(storage) as cache:
        await storage.create("/registry/configmaps/a/y", value("y"))
        await storage.create("/registry/ranges/servicenodeports", b"{}")
        await cache.fresh()
        maps = cache.resource(CONFIG_MAPS)
        assert [entry.name for entry in maps.entries()] == ["x", "y"]
        await storage.create("/registry/configmaps/a/z", value("z"))
        await cache.fresh()
        assert maps.get("a", "z") is not None


async def test_pods_are_found_by_their_node() -> None:
    storage = MemoryStorage()
    async with fed(storage) as cache:
        revision = await storage.create("/registry/pods/a/x", value("x"))
        await storage.create("/registry/pods/a/y", value("y", nodeName="n2"))
        await storage.update("/registry/pods/a/x", value("x", nodeName="n1"), revision)
        await cache.fresh()
        pods = cache.resource(PODS)
        found = {
            node: [e.name for e in pods.entries_with("spec.nodeName", node) or ()]
            for node in ("", "n1", "n2")
        }
        assert found == {"": [], "n1": ["x"], "n2": ["y"]}
        assert pods.entries_with("status.phase", "Running") is None


@pytest.mark.parametrize(
    ("namespace", "fields", "expected"),
    [
        pytest.param("", "", ["x", "y", "x", "y"], id="everything"),
        pytest.param("b", "", ["y", "y"], id="one namespace"),
        pytest.param("", "spec.nodeName=n1", ["x"], id="one node"),
        pytest.param("a", "metadata.name=x", ["x", "x"], id="one object"),
        pytest.param("", "metadata.name=x", ["x", "y", "x", "y"], id="a name in all namespaces"),
    ],
)
async def test_a_watcher_is_woken_for_its_scope_only(
    namespace: str, fields: str, expected: list[str]
) -> None:
    storage = MemoryStorage()
    async with fed(storage) as cache:
        with cache.resource(PODS).subscribe(namespace, parse_field_selector(fields)) as topic:
            reader = Reader(topic, topic.end)
            x = await storage.create("/registry/pods/a/x", value("x"))
            y = await storage.create("/registry/pods/b/y", value("y"))
            await storage.update("/registry/pods/a/x", value("x", nodeName="n1"), x)
            await storage.update("/registry/pods/b/y", value("y", nodeName="n2"), y)
            await cache.fresh()
            assert [change.entry.name for change in reader.take(10)] == expected


async def test_cluster_scoped_objects_have_no_namespace() -> None:
    storage = MemoryStorage()
    await storage.create("/registry/minions/n1", value("n1"))
    async with fed(storage) as cache:
        entry = cache.resource(NODES).get("", "n1")
        assert entry is not None
        assert (entry.namespace, entry.name) == ("", "n1")
