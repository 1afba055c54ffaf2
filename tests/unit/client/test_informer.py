"""The informer keeps up with a server that breaks off, forgets and loses events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from apimachinery.errors import ServiceUnavailableError, StatusError
from apimachinery.objects import NamespacedName, Object, labels_of, name_of
from apimachinery.scheme import PODS, Resource
from client.errors import ConnectionFailed
from client.informer import Informer
from client.rest import Client
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime


def pod(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": "ns", "labels": labels, "managedFields": [{}]}}


class Watched:
    """A running informer and what its handler was told, as `name: old labels -> new labels`."""

    def __init__(self, api: FakeApi, **kwargs: Any) -> None:
        self.api = api
        self.informer = Informer(cast(Client, api), PODS, **kwargs)
        self.told: list[str] = []
        self.informer.add_handler(self._tell)

    def _tell(self, old: Object | None, new: Object | None) -> None:
        one, two = (None if each is None else "".join(labels_of(each).values()) for each in (old, new))
        self.told.append(f"{name_of(new or old or {})}: {one} -> {two}")


@asynccontextmanager
async def watched(api: FakeApi, **kwargs: Any) -> AsyncIterator[Watched]:
    it = Watched(api, **kwargs)
    task = asyncio.ensure_future(it.informer.run())
    try:
        async with asyncio.timeout(60):
            await it.informer.wait_synced()
        yield it
    finally:
        task.cancel()


async def settle(seconds: float = 30) -> None:
    """Lets virtual time pass; everything that can happen happens."""
    await asyncio.sleep(seconds)


async def test_it_tells_what_is_there_and_what_changes() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a", v="1"))
    async with watched(api) as it:
        await api.patch(PODS, "a", {"metadata": {"labels": {"v": "2"}}}, "ns")
        await api.create(PODS, pod("b", v="1"))
        await api.delete(PODS, "a", "ns")
        await settle()
    assert it.told == ["a: None -> 1", "a: 1 -> 2", "b: None -> 1", "a: 2 -> None"]


async def test_a_missed_delete_is_noticed_on_relist() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a", v="1"))
    await api.create(PODS, pod("b", v="1"))
    async with watched(api) as it:
        with api.lose_events():
            await api.delete(PODS, "a", "ns")
            await api.patch(PODS, "b", {"metadata": {"labels": {"v": "2"}}}, "ns")
            await api.create(PODS, pod("c", v="1"))
        api.compact()
        api.break_watches()
        await settle()
    assert it.told[2:] == ["a: 1 -> None", "b: 1 -> 2", "c: None -> 1"]


async def test_a_pod_replaced_while_nobody_looked_is_a_deletion_and_a_creation() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a", v="1"))
    async with watched(api) as it:
        with api.lose_events():
            await api.delete(PODS, "a", "ns")
            await api.create(PODS, pod("a", v="2"))
        api.compact()
        api.break_watches()
        await settle()
    assert it.told == ["a: None -> 1", "a: 1 -> None", "a: None -> 2"]


async def test_a_lost_connection_costs_no_list() -> None:
    api = FakeApi()
    async with watched(api) as it:
        api.break_watches()
        await settle()
        await api.create(PODS, pod("a", v="1"))
        await settle()
    assert (it.told, api.calls.count("list pods")) == (["a: None -> 1"], 1)


class HastyApi(FakeApi):
    """Ends every watch at once, as if that were in order."""

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, **_: Any
    ) -> AsyncGenerator[tuple[str, Object], None]:
        self._called("watch", resource, "")
        await asyncio.sleep(0.001)
        for event in ():
            yield event


async def test_watches_that_end_at_once_are_not_begun_without_a_pause() -> None:
    async with watched(HastyApi()) as it:
        await settle(60)
    assert it.api.calls.count("watch pods") < 30


async def test_an_error_is_never_an_empty_cache() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a", v="1"))
    async with watched(api) as it:
        api.refusals.append(_unavailable)
        api.compact()
        api.break_watches()
        await settle(120)
        assert it.informer.get(NamespacedName("ns", "a")) is not None
        api.refusals.clear()
        await settle()
    assert it.told == ["a: None -> 1"]


async def test_it_waits_for_a_server_that_is_not_there_yet() -> None:
    api = FakeApi()
    api.refusals.append(lambda verb, resource, obj: ConnectionFailed("refused"))
    asyncio.get_running_loop().call_later(3, api.refusals.clear)
    async with watched(api):
        assert asyncio.get_running_loop().time() < 5


async def test_a_handler_added_late_is_told_everything() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a", v="1"))
    late: list[str] = []
    async with watched(api) as it:
        it.informer.add_handler(lambda old, new: late.append(name_of(new or {})))
    assert late == ["a"]


async def test_a_failing_handler_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    async with watched(api) as it:
        it.informer.add_handler(lambda old, new: 1 // 0)  # type: ignore[arg-type,return-value]
        await api.create(PODS, pod("a", v="1"))
        await settle()
        assert it.informer.list() != []
    assert "Handler failed" in caplog.text


async def test_indexes_follow_changes() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a", v="1"))
    async with watched(api, indexers={"v": lambda obj: labels_of(obj).values()}) as it:
        await api.patch(PODS, "a", {"metadata": {"labels": {"v": "2"}}}, "ns")
        await settle()
        found = [[name_of(each) for each in it.informer.by_index("v", value)] for value in "12"]
    assert found == [[], ["a"]]


async def test_cached_objects_name_their_kind_and_carry_no_managed_fields() -> None:
    api = FakeApi()
    await api.create(PODS, pod("a"))
    async with watched(api) as it:
        cached = it.informer.list("ns")[0]
    assert (cached["apiVersion"], cached["kind"], "managedFields" in cached["metadata"]) == (
        "v1",
        "Pod",
        False,
    )


def _unavailable(verb: str, resource: Resource, obj: Object) -> StatusError:
    return ServiceUnavailableError("down")
