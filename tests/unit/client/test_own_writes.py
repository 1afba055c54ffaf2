"""What a controller wrote last, and whether its cache shows it."""

import asyncio
from typing import cast

import pytest

from apimachinery.objects import NamespacedName, Object
from client.informer import Informer
from client.own_writes import OwnWrites

pytestmark = pytest.mark.looptime

KEY = NamespacedName("ns", "rs")


class Cache:
    """As much of an Informer as is asked."""

    version = 5

    def has_seen(self, version: str) -> bool:
        return self.version >= int(version or 0)


def answer(version: str) -> Object:
    return {"metadata": {"resourceVersion": version}}


def make() -> tuple[Cache, OwnWrites]:
    cache = Cache()
    return cache, OwnWrites(cast(Informer, cache))


async def test_the_newest_write_is_waited_for() -> None:
    cache, writes = make()
    assert writes.are_seen(KEY)
    for version in ("7", "9", "8"):
        writes.note(KEY, answer(version))
    cache.version = 8
    assert not writes.are_seen(KEY)
    cache.version = 9
    assert writes.are_seen(KEY)


async def test_an_answer_without_a_version_is_nothing_to_wait_for() -> None:
    _, writes = make()
    writes.note(KEY, {"kind": "Status"})
    assert writes.are_seen(KEY)


async def test_the_cache_is_believed_again_after_five_minutes() -> None:
    _, writes = make()
    writes.note(KEY, answer("7"))
    await asyncio.sleep(299)
    assert not writes.are_seen(KEY)
    await asyncio.sleep(2)
    assert writes.are_seen(KEY)


async def test_a_write_of_ours_is_news_only_to_who_waits_for_it() -> None:
    cache, writes = make()
    for version in ("5", "7", "8", "9"):
        writes.note(KEY, answer(version))
    assert writes.is_news(None, answer("5")), "seen before we knew that it is ours"
    assert not writes.is_news(None, answer("7"))
    assert writes.is_news(None, answer("7")), "once only"
    assert writes.is_news(answer("7"), None)
    assert writes.is_news(answer("7"), answer("10")), "another's"
    assert not writes.are_seen(KEY)
    assert writes.is_news(None, answer("8")), "a look was put off"
    cache.version = 9
    assert writes.are_seen(KEY)
    assert not writes.is_news(None, answer("9"))


async def test_keys_are_apart_and_can_be_forgotten() -> None:
    _, writes = make()
    writes.note(KEY, answer("7"))
    assert writes.are_seen(NamespacedName("ns", "other"))
    writes.forget(KEY)
    assert writes.are_seen(KEY)
