"""Sinks that batch, split and forgive: when events go out, which, and which are lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from apimachinery.objects import Object
from apiserver.audit.buffered import BatchConfig, Buffered
from apiserver.audit.sink import IgnoreErrors, Union
from apiserver.audit.truncating import Split, Truncating, split

pytestmark = pytest.mark.looptime

BATCHES = BatchConfig(buffer_size=5, max_size=3, max_wait=30, throttle=None, is_parallel=True)


def event(number: int, **fields: Any) -> Object:
    return {
        "auditID": str(number), "level": "Metadata", "stage": "ResponseComplete", "requestURI": "/",
        "requestReceivedTimestamp": "2026-11-29T12:00:00.000000Z", **fields,
    }  # fmt: skip


class Recorder:
    """A sink that remembers its batches and when they came."""

    def __init__(self, *, works: bool = True, seconds: float = 0) -> None:
        self.batches: list[tuple[float, list[str]]] = []
        self.closed = False
        self._works = works
        self._seconds = seconds

    async def process(self, events: Sequence[Object]) -> bool:
        now = asyncio.get_running_loop().time()
        self.batches.append((now, [each["auditID"] for each in events]))
        await asyncio.sleep(self._seconds)
        return self._works

    async def run(self) -> None:
        """Nothing goes on."""

    async def aclose(self) -> None:
        self.closed = True


@asynccontextmanager
async def going(sink: Buffered) -> AsyncIterator[Buffered]:
    work = asyncio.create_task(sink.run())
    yield sink
    work.cancel()
    await asyncio.wait({work})
    await sink.aclose()


def lost(plugin: str) -> float:
    return REGISTRY.get_sample_value("apiserver_audit_error_total", {"plugin": plugin}) or 0


async def test_a_whole_batch_goes_out_at_once_and_others_when_one_has_waited() -> None:
    recorder = Recorder()
    async with going(Buffered(recorder, BATCHES)) as sink:
        await asyncio.sleep(7)
        assert await sink.process([event(each) for each in range(4)])
        await asyncio.sleep(100)
    assert recorder.batches == [(7, ["0", "1", "2"]), (37, ["3"])]


async def test_batches_are_no_more_frequent_than_the_throttle_has_it() -> None:
    recorder = Recorder()
    config = replace(BATCHES, max_size=1, throttle=(0.5, 2))
    async with going(Buffered(recorder, config)) as sink:
        await sink.process([event(each) for each in range(4)])
        await asyncio.sleep(100)
    assert [moment for moment, _ in recorder.batches] == [0, 0, 2, 4]


@pytest.mark.parametrize(("is_parallel", "moments"), [(True, [0, 0]), (False, [0, 10])])
async def test_a_slow_sink_holds_up_others_only_where_order_matters(
    is_parallel: bool, moments: list[float]
) -> None:
    recorder = Recorder(seconds=10)
    config = replace(BATCHES, max_size=1, max_wait=0, is_parallel=is_parallel)
    async with going(Buffered(recorder, config)) as sink:
        await sink.process([event(0), event(1)])
        await asyncio.sleep(100)
    assert [moment for moment, _ in recorder.batches] == moments


async def test_what_finds_no_room_is_lost_and_counted() -> None:
    recorder, before = Recorder(), lost("buffered")
    sink = Buffered(recorder, BATCHES)
    assert await sink.process([event(each) for each in range(7)])
    await sink.aclose()
    assert [ids for _, ids in recorder.batches] == [["0", "1", "2"], ["3", "4"]]
    assert recorder.closed
    assert await sink.process([event(8)])
    assert lost("buffered") == before + 3


LARGE = {"requestObject": {"text": "x" * 1000}, "responseObject": {"text": "y" * 1000}}


def test_events_that_are_too_large_lose_their_bodies_or_are_lost() -> None:
    small, large = event(0), event(1, level="RequestResponse", annotations={"a": "b"}, **LARGE)
    metadata, huge = event(2, **LARGE), event(3, level="Request", userAgent="z" * 1000)
    result = split([small, large, metadata, huge], 500, 10_000)
    short = event(1, level="RequestResponse", annotations={"a": "b", "audit.k8s.io/truncated": "true"})
    assert result == Split([[small, short]], [metadata, huge])
    assert "requestObject" in large


def test_batches_that_are_too_large_are_split() -> None:
    events = [event(each, userAgent="z" * 100) for each in range(5)]
    assert split(events, 500, 550).batches == [events[:2], events[2:4], events[4:]]


async def test_what_truncating_loses_is_counted_and_the_rest_is_kept() -> None:
    recorder, before = Recorder(), lost("truncate")
    assert await Truncating(recorder, 500, 10_000).process([event(0), event(1, **LARGE)])
    assert [ids for _, ids in recorder.batches] == [["0"]]
    assert lost("truncate") == before + 1


async def test_a_request_fails_for_its_events_only_where_that_is_wanted() -> None:
    bad, good = Recorder(works=False), Recorder()
    assert not await Union([bad, good]).process([event(0)])
    assert len(good.batches) == 1
    assert await Union([IgnoreErrors(bad), good]).process([event(0)])
