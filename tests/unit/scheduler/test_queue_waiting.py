"""Waiting for the queue, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from scheduler.pod_info import parse_pod
from scheduler.queue import SchedulingQueue
from tests.unit.scheduler.builders import make_pod

pytestmark = pytest.mark.looptime


async def test_waiting_ends_when_a_pod_comes_or_its_back_off_does() -> None:
    loop = asyncio.get_running_loop()
    queue = SchedulingQueue(loop.time, lambda *_: False)
    loop.call_later(5, queue.add, parse_pod(make_pod("a")))
    start = loop.time()
    await queue.wait()
    assert loop.time() - start == 5
    queued = queue.pop()
    assert queued is not None
    queue.add_failed(queued)
    await queue.wait()
    assert loop.time() - start == 6
    assert queue.pop() is not None
