"""Waiting for one object, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import CONFIG_MAPS
from client.waiting import until, until_gone
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime


def config_map(name: str, **data: str) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "data": data}


def has_key(obj: Object | None) -> bool:
    return obj is not None and "k" in obj["data"]


async def test_a_watch_that_fell_behind_is_begun_anew() -> None:
    api: Any = FakeApi()
    made = await api.create(CONFIG_MAPS, config_map("a"))
    waiting = asyncio.create_task(until(api, CONFIG_MAPS, "a", "default", has_key))
    await asyncio.sleep(1)
    with api.lose_events():
        await api.update(CONFIG_MAPS, {**made, "data": {"k": "v"}})
    api.compact()
    await api.create(CONFIG_MAPS, config_map("b"))
    found = await waiting
    assert found is not None
    assert found["data"] == {"k": "v"}


async def test_an_object_is_gone_when_another_has_its_name() -> None:
    api: Any = FakeApi()
    await api.create(CONFIG_MAPS, config_map("a"))
    waiting = asyncio.create_task(until_gone(api, CONFIG_MAPS, "a", "default"))
    await asyncio.sleep(1)
    with api.lose_events():
        await api.delete(CONFIG_MAPS, "a", "default")
    await api.create(CONFIG_MAPS, config_map("a"))
    await waiting
