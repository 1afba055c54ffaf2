"""Events of events.k8s.io/v1: the same again makes it a series, written when that begins and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from apimachinery.errors import ForbiddenError, StatusError
from apimachinery.objects import Object, name_of
from apimachinery.scheme import EVENTS_V1
from client.errors import ConnectionFailed
from client.event_series import SeriesRecorder
from client.rest import Client
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime


def pod(name: str = "a", version: str = "5") -> Object:
    metadata = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": version}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


@asynccontextmanager
async def recording(api: FakeApi) -> AsyncIterator[SeriesRecorder]:
    recorder = SeriesRecorder(cast(Client, api), "default-scheduler", "host", now=api.now)
    task = asyncio.ensure_future(recorder.run())
    yield recorder
    await recorder.drain()
    task.cancel()


def fail(recorder: SeriesRecorder, about: Object, note: str = "no room") -> None:
    recorder.event(about, "Warning", "FailedScheduling", "Scheduling", note)


def series(api: FakeApi) -> list[tuple[int, str] | None]:
    """Of each Event: how often, and when last."""
    found = [each.get("series") for each in api.find(EVENTS_V1)]
    return [each and (each["count"], each["lastObservedTime"][11:19]) for each in found]


async def test_an_event_names_what_was_done_to_whom_and_by_whom() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        recorder.event(pod(), "Normal", "Preempted", "Preempting", "by b", related=pod("b"))
    [event] = api.find(EVENTS_V1)
    regarding = {"kind": "Pod", "namespace": "ns", "name": "a", "uid": "a", "apiVersion": "v1"}
    assert event["regarding"] == {**regarding, "resourceVersion": "5"}
    assert event["related"] == {**regarding, "name": "b", "uid": "b", "resourceVersion": "5"}
    assert {name: event[name] for name in ("type", "reason", "action", "note")} == {
        "type": "Normal", "reason": "Preempted", "action": "Preempting", "note": "by b"
    }  # fmt: skip
    by = (event["reportingController"], event["reportingInstance"], event["eventTime"])
    assert by == ("default-scheduler", "default-scheduler-host", "2026-01-01T00:00:00.000000Z")


async def test_the_same_again_begins_a_series_that_is_written_again_when_it_ends() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        for note in ("no room", "no room", "still no room"):
            fail(recorder, pod(), note)
            await asyncio.sleep(10)
        assert series(api) == [(2, "00:00:10")]
        await asyncio.sleep(800)
        assert series(api) == [(3, "00:00:20")]
        fail(recorder, pod())
    assert series(api) == [(3, "00:00:20"), None]


async def test_a_pod_that_has_changed_has_an_event_of_its_own() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        fail(recorder, pod())
        fail(recorder, pod(version="6"))
    assert series(api) == [None, None]


async def test_a_series_whose_event_has_expired_is_made_again() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        fail(recorder, pod())
        await recorder.drain()
        await api.delete(EVENTS_V1, name_of(api.find(EVENTS_V1)[0]), "ns")
        fail(recorder, pod())
    assert series(api) == [(2, "00:00:00")]


async def test_the_end_of_a_series_is_written_once_the_server_is_back() -> None:
    api, away = FakeApi(), False
    api.refusals.append(lambda *_: ConnectionFailed("gone") if away else None)
    async with recording(api) as recorder:
        for _ in range(3):
            fail(recorder, pod())
        await recorder.drain()
        away = True
        await asyncio.sleep(3600)
        assert series(api) == [(2, "00:00:00")]
        away = False
        await asyncio.sleep(400)
        assert series(api) == [(3, "00:00:00")]
        fail(recorder, pod())
    assert series(api) == [(3, "00:00:00"), None], "the series that has ended is forgotten"


async def test_a_series_that_ends_and_is_refused_is_forgotten() -> None:
    api, refusal = FakeApi(), None
    api.refusals.append(lambda *_: refusal)
    async with recording(api) as recorder:
        for _ in range(3):
            fail(recorder, pod())
        await recorder.drain()
        refusal = ForbiddenError("events", "a", "no")
        await asyncio.sleep(800)
        refusal = None
        fail(recorder, pod())
    assert series(api) == [(2, "00:00:00"), None]


async def test_a_series_that_goes_on_is_written_every_half_hour() -> None:
    api = FakeApi()
    async with recording(api) as recorder:
        for _ in range(19):
            fail(recorder, pod())
            await asyncio.sleep(100)
        assert series(api) == [(18, "00:28:20")]


@pytest.mark.parametrize("error", [ConnectionFailed("gone"), ForbiddenError("events", "a", "no")])
async def test_what_cannot_be_written_does_not_keep_back_what_comes_next(
    error: StatusError | ConnectionFailed,
) -> None:
    api, failures = FakeApi(), [error]
    api.refusals.append(lambda *_: failures.pop() if failures else None)
    async with recording(api) as recorder:
        fail(recorder, pod())
        fail(recorder, pod("b"))
    assert "b" in {each["regarding"]["name"] for each in api.find(EVENTS_V1)}
