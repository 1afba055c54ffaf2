"""What the endpoints of health say of etcd."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.health import etcd_problem
from apiserver.storage.interface import KeyValue, StorageUnreachable
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.sole_writer import SoleWriter


class Silent(MemoryStorage):
    """Takes writes and answers nothing."""

    async def get(self, key: str) -> KeyValue | None:
        await asyncio.sleep(60)
        return None


class Away(MemoryStorage):
    async def get(self, key: str) -> KeyValue | None:
        raise StorageUnreachable("no connection")


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (MemoryStorage(), ""),
        (Silent(), "etcd client connection failed: "),
        (Away(), "etcd client connection failed: no connection"),
    ],
    ids=["well", "silent", "away"],
)
async def test_etcd_is_asked_also_by_who_knows_what_is_newest(store: MemoryStorage, problem: str) -> None:
    storage = SoleWriter(store)
    await storage.create("/registry/things/a", b"{}")
    assert await etcd_problem(storage, 2) == problem
