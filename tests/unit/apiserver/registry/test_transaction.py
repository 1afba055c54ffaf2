"""guaranteed_update: one loop for every read-modify-write."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import orjson
import pytest

from apimachinery.errors import ConflictError
from apimachinery.scheme import CONFIG_MAPS
from apiserver.registry.transaction import Decision, Keep, Put, Remove, Transactions
from apiserver.storage.entry import Entry
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache

KEY = "/registry/configmaps/ns/a"


def value(n: int) -> bytes:
    obj = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"n": n}}
    return orjson.dumps(obj)


def numbered(entry: Entry, n: int) -> Put:
    return Put(entry.obj | {"data": {"n": n}})


def unfed(storage: MemoryStorage) -> tuple[WatchCache, Transactions]:
    """A cache that knows only what it is told: as stale as can be."""
    cache = WatchCache(storage)
    return cache, Transactions(storage, cache.resource(CONFIG_MAPS))


async def stale(storage: MemoryStorage) -> Transactions:
    """The cache saw the first version; the store has the second."""
    cache, transactions = unfed(storage)
    first = await storage.create(KEY, value(1))
    feeding = asyncio.create_task(cache.run())
    await cache.ready.wait()
    feeding.cancel()
    with suppress(asyncio.CancelledError):
        await feeding
    await storage.update(KEY, value(2), first)
    return transactions


async def test_what_was_decided_on_an_old_state_is_decided_again() -> None:
    storage, seen = MemoryStorage(), list[int]()
    transactions = await stale(storage)

    async def increase(entry: Entry | None) -> Decision:
        assert entry is not None
        seen.append(entry.obj["data"]["n"])
        return numbered(entry, seen[-1] + 10)

    entry = await transactions.guaranteed_update(KEY, increase)
    assert entry is not None
    assert (seen, entry.obj["data"]) == ([1, 2], {"n": 12})


async def test_a_refusal_of_an_old_state_is_not_the_last_word() -> None:
    transactions = await stale(MemoryStorage())

    async def only_two(entry: Entry | None) -> Decision:
        assert entry is not None
        if entry.obj["data"]["n"] != 2:
            raise ConflictError("configmaps", "a")
        return Keep()

    entry = await transactions.guaranteed_update(KEY, only_two)
    assert entry is not None
    assert entry.obj["data"] == {"n": 2}


async def test_nothing_to_do_with_an_old_state_is_looked_at_again() -> None:
    transactions, seen = await stale(MemoryStorage()), list[int]()

    async def keep(entry: Entry | None) -> Decision:
        assert entry is not None
        seen.append(entry.obj["data"]["n"])
        return Keep()

    entry = await transactions.guaranteed_update(KEY, keep)
    assert seen == [1, 2]
    assert entry is not None
    assert entry.obj["data"] == {"n": 2}


async def test_a_refusal_of_the_stored_state_is_the_last_word() -> None:
    storage = MemoryStorage()
    _, transactions = unfed(storage)
    await storage.create(KEY, value(1))

    async def refuse(entry: Entry | None) -> Decision:
        raise ConflictError("configmaps", "a")

    with pytest.raises(ConflictError):
        await transactions.guaranteed_update(KEY, refuse)


async def test_keeping_writes_nothing() -> None:
    storage = MemoryStorage()
    _, transactions = unfed(storage)
    revision = await storage.create(KEY, value(1))

    async def keep(entry: Entry | None) -> Decision:
        return Keep()

    await transactions.guaranteed_update(KEY, keep)
    assert await storage.current_revision() == revision


async def test_increments_at_once_all_count() -> None:
    storage = MemoryStorage()
    _, transactions = unfed(storage)
    await storage.create(KEY, value(0))

    async def increase(entry: Entry | None) -> Decision:
        assert entry is not None
        await asyncio.sleep(0)
        return numbered(entry, entry.obj["data"]["n"] + 1)

    await asyncio.gather(*(transactions.guaranteed_update(KEY, increase) for _ in range(20)))
    entry = await transactions.read(KEY)
    assert entry is not None
    assert entry.obj["data"] == {"n": 20}


async def test_a_removed_object_is_returned_as_it_was() -> None:
    storage = MemoryStorage()
    _, transactions = unfed(storage)
    revision = await storage.create(KEY, value(1))

    async def remove(entry: Entry | None) -> Decision:
        return Remove()

    entry = await transactions.guaranteed_update(KEY, remove)
    assert entry is not None
    assert entry.revision == revision + 1
    assert await storage.get(KEY) is None


@pytest.mark.parametrize("decision", [Put({"metadata": {"name": "a"}}, dry_run=True), Remove(dry_run=True)])
async def test_a_dry_run_leaves_no_trace(decision: Decision) -> None:
    storage = MemoryStorage()
    _, transactions = unfed(storage)
    revision = await storage.create(KEY, value(1))

    async def decide(entry: Entry | None) -> Decision:
        return decision

    await transactions.guaranteed_update(KEY, decide)
    found = await storage.get(KEY)
    assert found is not None
    assert (found.revision, await storage.current_revision()) == (revision, revision)


async def test_of_many_updates_at_once_each_is_decided_a_few_times_at_most() -> None:
    storage, decided = MemoryStorage(), list[int]()
    await storage.create(KEY, value(0))
    _, transactions = unfed(storage)

    async def increase(entry: Entry | None) -> Decision:
        assert entry is not None
        await asyncio.sleep(0)  # where admission would wait, and the others catch up
        decided.append(entry.obj["data"]["n"])
        return numbered(entry, decided[-1] + 1)

    await asyncio.gather(*(transactions.guaranteed_update(KEY, increase) for _ in range(100)))
    stored = await storage.get(KEY)
    assert stored is not None
    assert orjson.loads(stored.value)["data"]["n"] == 100
    assert len(decided) <= 300, "not as often as there are others"
