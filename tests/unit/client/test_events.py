"""Events: counted up, combined, limited, and never in the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from apimachinery.errors import ForbiddenError
from apimachinery.objects import Object
from apimachinery.scheme import EVENTS
from client.errors import ConnectionFailed
from client.events import EventRecorder, reference_to
from client.rest import Client
from component_base.token_bucket import TokenBucket
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "5"},
}


@asynccontextmanager
async def recording(api: FakeApi, limit: TokenBucket | None = None) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(cast(Client, api), "test", "host", now=api.now, limit=limit)
    task = asyncio.ensure_future(recorder.run())
    yield recorder
    await recorder.drain()
    task.cancel()


def summaries(api: FakeApi) -> list[tuple[Any, ...]]:
    return [(each["reason"], each["message"], each["count"]) for each in api.find(EVENTS)]


async def test_an_event_names_what_it_is_about() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        recorder.event(POD, "Normal", "Started", "Started container")
    [event] = api.find(EVENTS)
    assert event["involvedObject"] == {
        "kind": "Pod", "namespace": "ns", "name": "a", "uid": "u", "apiVersion": "v1", "resourceVersion": "5"
    }  # fmt: skip
    assert event["source"] == {"component": "test", "host": "host"}
    assert (event["metadata"]["namespace"], event["metadata"]["name"]) == ("ns", "a.18867251edfa0000")


async def test_an_event_can_be_annotated() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        recorder.event(POD, "Warning", "Evicted", "Low on memory", {"starved_resource": "memory"})
    [event] = api.find(EVENTS)
    assert event["metadata"]["annotations"] == {"starved_resource": "memory"}


async def test_those_beyond_the_limit_wait() -> None:
    api = FakeApi()
    async with recording(api, TokenBucket(qps=2, burst=3)) as recorder:
        for number in range(5):
            recorder.event(POD, "Normal", f"Reason{number}", "once")
    assert len(api.find(EVENTS)) == 5
    assert asyncio.get_running_loop().time() == 1.0


async def test_the_same_again_is_counted() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        for _ in range(3):
            recorder.event(POD, "Warning", "BackOff", "Back-off restarting")
            await asyncio.sleep(10)
    [event] = api.find(EVENTS)
    times = (event["count"], event["firstTimestamp"], event["lastTimestamp"])
    assert times == (3, "2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z")


async def test_an_event_that_expired_is_made_again() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        recorder.event(POD, "Normal", "X", "x")
        await recorder.drain()
        [event] = api.find(EVENTS)
        await api.delete(EVENTS, event["metadata"]["name"], "ns")
        recorder.event(POD, "Normal", "X", "x")
    assert summaries(api) == [("X", "x", 2)]


async def test_many_similar_ones_are_combined() -> None:
    """The tenth is, whatever part of the object it is about."""
    api = FakeApi()
    async with recording(api) as recorder:
        for number in range(13):
            part = {**reference_to(POD), "fieldPath": f"spec.containers{{c{number}}}"}
            recorder.event(part, "Normal", "X", f"message {number}")
    assert len(api.find(EVENTS)) == 10
    assert summaries(api)[-1] == ("X", "(combined from similar events): message 12", 4)
    assert api.find(EVENTS)[-1]["reportingComponent"] == ""


async def test_one_object_may_not_flood_the_api() -> None:
    """With one type of Events; those of its parts count as its own."""
    api = FakeApi()
    async with recording(api) as recorder:
        for number in range(40):
            part = {**reference_to(POD), "fieldPath": f"spec.containers{{c{number}}}"}
            recorder.event(part, "Warning", f"Reason{number}", "x")
        recorder.event(POD, "Normal", "Killing", "Stopping container c")
    assert [each["type"] for each in api.find(EVENTS)] == ["Warning"] * 25 + ["Normal"]


async def test_what_was_dropped_is_counted() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        for _ in range(40):
            recorder.event(POD, "Warning", "Unhealthy", "x")
        await recorder.drain()
        await asyncio.sleep(301)
        recorder.event(POD, "Warning", "Unhealthy", "x")
    assert summaries(api) == [("Unhealthy", "x", 41)]


async def test_a_flood_is_cut_off_and_told_in_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        for number in range(1500):
            pod = {**POD, "metadata": {"name": f"p{number}", "namespace": "ns"}}
            recorder.event(pod, "Normal", "Scheduled", "x")
    assert len(api.find(EVENTS)) == 1000
    assert [record.getMessage() for record in caplog.records] == [
        "Dropping events, too many are waiting: reason=Scheduled",
        "Dropped events, too many were waiting: number=500",
    ]


async def test_a_refused_event_is_dropped_and_the_next_one_sent() -> None:
    api = FakeApi()
    api.refusals.append(
        lambda verb, resource, obj: ForbiddenError("events", "", "no") if obj.get("reason") == "A" else None
    )
    async with recording(api) as recorder:
        recorder.event(POD, "Normal", "A", "x")
        recorder.event(POD, "Normal", "B", "x")
    assert summaries(api) == [("B", "x", 1)]


async def test_an_event_waits_for_the_server_to_come_back() -> None:
    api = FakeApi()
    api.refusals.append(lambda verb, resource, obj: ConnectionFailed("down"))
    asyncio.get_running_loop().call_later(20, api.refusals.clear)
    async with recording(api) as recorder:
        recorder.event(POD, "Normal", "A", "x")
    assert summaries(api) == [("A", "x", 1)]


def test_a_reference_is_taken_as_it_is() -> None:
    reference = {"kind": "Pod", "name": "a", "fieldPath": "spec.containers{c}"}
    assert reference_to(reference) == reference
