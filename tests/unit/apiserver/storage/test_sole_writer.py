"""A store that is asked what is newest only while that is not known."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from apiserver.storage.interface import RevisionMismatch
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.sole_writer import SoleWriter

KEY = "/registry/things/a"


class Asked(MemoryStorage):
    def __init__(self) -> None:
        super().__init__()
        self.questions = 0

    async def current_revision(self) -> int:
        self.questions += 1
        return await super().current_revision()


async def test_the_newest_acknowledged_write_is_known_without_asking() -> None:
    store = Asked()
    storage = SoleWriter(store)
    await storage.current_revision()
    revision = await storage.create(KEY, b"1")
    assert await storage.current_revision() == revision
    revision = await storage.update(KEY, b"2", revision)
    assert await storage.current_revision() == revision
    with suppress(RevisionMismatch):
        await storage.update(KEY, b"3", revision - 1)
    assert await storage.current_revision() == revision
    revision = await storage.delete(KEY, revision)
    assert await storage.current_revision() == revision
    assert store.questions == 1


async def test_it_is_asked_again_once_its_watch_has_ended() -> None:
    store = Asked()
    storage = SoleWriter(store)
    revision = await storage.create(KEY, b"1")
    async with aclosing(storage.watch("", 0)) as batches:  # type: ignore[type-var]  # a generator
        assert (await anext(batches)).revision == revision
        assert await storage.current_revision() == revision
        assert store.questions == 0
    by_another_hand = await store.update(KEY, b"2", revision)
    assert await storage.current_revision() == by_another_hand
    assert store.questions == 1


async def test_writes_that_are_acknowledged_out_of_order_do_not_take_it_back() -> None:
    class Slow(MemoryStorage):
        async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
            revision = await super().create(key, value, lease=lease)
            await asyncio.sleep(0 if key == KEY else 0.01)
            return revision

    storage = SoleWriter(Slow())
    first, second = await asyncio.gather(storage.create(f"{KEY}/slow", b"1"), storage.create(KEY, b"1"))
    assert first < second
    assert await storage.current_revision() == second
