"""The Storage contract, held by the store in memory and by etcd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvloop

from apiserver.storage.etcd import EtcdStorage, EtcdTLS
from apiserver.storage.interface import (
    Batch,
    Event,
    KeyExists,
    RevisionCompacted,
    RevisionInFuture,
    RevisionMismatch,
    Storage,
    StorageUnreachable,
    ValueTooLarge,
)
from tests.fakes.etcd_server import EtcdServer

A, B, C = "/registry/things/default/a", "/registry/things/default/b", "/registry/things/default/c"
PREFIX = "/registry/things/"


async def collect(batches: AsyncIterator[Batch], count: int) -> list[Event]:
    """The next `count` events of a watch."""
    events: list[Event] = []
    async with asyncio.timeout(120):
        while len(events) < count:
            events += (await anext(batches)).events
    return events


async def test_a_created_key_is_read_back_at_its_revision(storage: Storage) -> None:
    revision = await storage.create(A, b"1")
    found = await storage.get(A)
    assert found is not None
    assert (found.key, found.value, found.revision) == (A, b"1", revision)
    assert await storage.current_revision() == revision


async def test_an_absent_key_is_none(storage: Storage) -> None:
    assert await storage.get(A) is None


async def test_every_write_has_the_next_revision(storage: Storage) -> None:
    first = await storage.create(A, b"1")
    assert await storage.update(A, b"2", first) == first + 1
    assert await storage.delete(A, first + 1) == first + 2


async def test_create_refuses_a_key_that_is_there(storage: Storage) -> None:
    await storage.create(A, b"1")
    with pytest.raises(KeyExists):
        await storage.create(A, b"2")


async def test_update_at_a_stale_revision_tells_what_is_there(storage: Storage) -> None:
    first = await storage.create(A, b"1")
    second = await storage.update(A, b"2", first)
    with pytest.raises(RevisionMismatch) as caught:
        await storage.update(A, b"3", first)
    assert caught.value.current is not None
    assert (caught.value.current.value, caught.value.current.revision) == (b"2", second)


async def test_update_and_delete_of_an_absent_key_tell_that_nothing_is_there(storage: Storage) -> None:
    for attempt in (storage.update(A, b"1", 7), storage.delete(A, 7)):
        with pytest.raises(RevisionMismatch) as caught:
            await attempt
        assert caught.value.current is None


async def test_a_deleted_key_can_be_created_again(storage: Storage) -> None:
    await storage.delete(A, await storage.create(A, b"1"))
    assert await storage.get(A) is None
    await storage.create(A, b"2")


async def test_lists_come_in_key_order_without_neighbouring_prefixes(storage: Storage) -> None:
    for key in (C, "/registry/thingsies/x", A, B):
        await storage.create(key, key.encode())
    page = await storage.list(PREFIX)
    assert [item.key for item in page.items] == [A, B, C]
    assert (page.remaining, page.revision) == (0, await storage.current_revision())


async def test_pages_of_one_revision_ignore_later_writes(storage: Storage) -> None:
    revisions = [await storage.create(key, b"1") for key in (A, B, C)]
    first = await storage.list(PREFIX, limit=2)
    assert ([item.key for item in first.items], first.remaining) == ([A, B], 1)
    await storage.delete(C, revisions[2])
    rest = await storage.list(PREFIX, limit=2, start_after=B, revision=first.revision)
    assert ([item.key for item in rest.items], rest.remaining, rest.revision) == ([C], 0, first.revision)


async def test_a_revision_of_the_future_is_refused(storage: Storage) -> None:
    with pytest.raises(RevisionInFuture):
        await storage.list(PREFIX, revision=await storage.current_revision() + 100)


async def test_a_watch_replays_and_follows(storage: Storage) -> None:
    first = await storage.create(A, b"1")
    second = await storage.update(A, b"2", first)
    watch = storage.watch(PREFIX, first)
    assert await collect(watch, 1) == [Event(A, b"2", second)]
    third = await storage.create(B, b"1")
    fourth = await storage.delete(A, second)
    assert await collect(watch, 2) == [Event(B, b"1", third), Event(A, None, fourth)]
    await watch.aclose()  # type: ignore[attr-defined]


async def test_a_watch_of_everything_sees_every_revision(storage: Storage) -> None:
    start = await storage.current_revision()
    watch = storage.watch("", start)
    first = await storage.create(A, b"1")
    await storage.delete(A, first)
    other = await storage.create(f"elsewhere-{start}", b"1")
    assert [event.revision for event in await collect(watch, 3)] == [start + 1, start + 2, start + 3]
    await watch.aclose()  # type: ignore[attr-defined]
    await storage.delete(f"elsewhere-{start}", other)


async def test_the_store_grows_with_what_is_in_it(storage: Storage) -> None:
    before = await storage.size()
    for _ in range(4):
        revision = await storage.create(A, b"x" * 2**20)
        await storage.delete(A, revision)
    async with asyncio.timeout(120):
        while await storage.size() < before + 2**20:  # etcd writes its file a little later  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_compacted_history_is_refused_not_invented(storage: Storage) -> None:
    first = await storage.create(A, b"1")
    second = await storage.update(A, b"2", first)
    third = await storage.update(A, b"3", second)
    await storage.compact(third)
    await storage.compact(second)
    with pytest.raises(RevisionCompacted):
        await storage.list(PREFIX, revision=first)
    with pytest.raises(RevisionCompacted):
        await anext(storage.watch(PREFIX, first - 1))
    assert [item.value for item in (await storage.list(PREFIX, revision=third)).items] == [b"3"]


async def test_a_key_on_a_lease_goes_when_the_lease_ends(storage: Storage) -> None:
    lease = await storage.grant(1)
    revision = await storage.create(A, b"1", lease=lease)
    watch = storage.watch(PREFIX, revision)
    [event] = await collect(watch, 1)
    assert (event.key, event.value) == (A, None)
    await watch.aclose()  # type: ignore[attr-defined]


async def test_a_write_without_a_lease_takes_the_key_off_it(storage: Storage) -> None:
    lease = await storage.grant(1)
    kept = await storage.update(A, b"2", await storage.create(A, b"1", lease=lease))
    gone = await storage.create(B, b"1", lease=lease)
    watch = storage.watch(PREFIX, gone)
    assert [event.key for event in await collect(watch, 1)] == [B]
    found = await storage.get(A)
    assert found is not None
    assert found.revision == kept
    await watch.aclose()  # type: ignore[attr-defined]


async def test_a_value_beyond_etcd_s_limit_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueTooLarge):
        await storage.create(A, b"x" * (1536 * 1024 + 1))
    with pytest.raises(ValueTooLarge):
        await storage.create(A, b"x" * (4 << 20))


async def test_of_concurrent_updates_one_wins(storage: Storage) -> None:
    revision = await storage.create(A, b"0")
    tries = [storage.update(A, b"%d" % n, revision) for n in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, int) for each in results) == 1
    assert sum(isinstance(each, RevisionMismatch) for each in results) == 9


def test_the_daemons_own_loop_reaches_etcd_over_tls(etcd_with_tls: EtcdServer) -> None:
    async def write_and_read() -> bytes:
        store = EtcdStorage([etcd_with_tls.endpoint], tls=etcd_with_tls.tls)
        await store.delete("loop", await store.create("loop", b"1"))
        await store.delete("loop", await store.create("loop", b"2" * 100_000))
        revision = await store.create("loop", b"3")
        found = await store.get("loop")
        await store.delete("loop", revision)
        await store.aclose()
        assert found is not None
        return found.value

    assert uvloop.run(write_and_read()) == b"3"


async def test_etcd_refuses_a_client_without_a_certificate(etcd_with_tls: EtcdServer) -> None:
    assert etcd_with_tls.tls is not None
    store = EtcdStorage([etcd_with_tls.endpoint], tls=EtcdTLS(etcd_with_tls.tls.ca_file), timeout=0.5)
    with pytest.raises(StorageUnreachable):
        await store.get(A)
    await store.aclose()
