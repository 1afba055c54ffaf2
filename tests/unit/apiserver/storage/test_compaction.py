"""Compaction: history is kept for one interval, and of several servers one compacts."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.storage.compaction import Compactor
from apiserver.storage.interface import RevisionCompacted
from apiserver.storage.memory import MemoryStorage


async def test_history_of_an_interval_ago_goes() -> None:
    storage, key = MemoryStorage(), "/registry/pods/a/b"
    first = await storage.create(key, b"1")
    compactor = Compactor(storage)
    assert await compactor.turn()
    await storage.update(key, b"2", first)
    assert (await storage.list("/registry/", revision=first)).items, "nothing is compacted at the first turn"
    await compactor.turn()
    await compactor.turn()
    with pytest.raises(RevisionCompacted):
        await storage.list("/registry/", revision=first)


async def test_of_two_servers_one_wins_each_turn() -> None:
    storage = MemoryStorage()
    servers = Compactor(storage), Compactor(storage)
    assert [await server.turn() for server in servers] == [True, False]
    assert [await server.turn() for server in reversed(servers)] == [True, False]
    assert [await server.turn() for server in servers] == [True, False]


async def test_every_server_learns_where_history_begins() -> None:
    storage = MemoryStorage()
    told: tuple[list[int], list[int]] = [], []
    servers = [Compactor(storage, forgotten=each.append) for each in told]
    for _ in range(3):
        await storage.create(f"/registry/pods/a/{await storage.current_revision()}", b"1")
        for server in servers:
            await server.turn()
    assert told == ([2, 4], [3, 5])


@pytest.mark.looptime
async def test_it_takes_a_turn_every_five_minutes() -> None:
    storage = MemoryStorage()
    running = asyncio.create_task(Compactor(storage).run())
    await asyncio.sleep(16 * 60)
    running.cancel()
    assert await storage.current_revision() == 1 + 3
