"""The work queue: coalescing, exclusion, back-off, delays."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from apimachinery.objects import NamespacedName
from client.ratelimit import Backoff
from client.workqueue import WorkQueue
from component_base.token_bucket import TokenBucket

pytestmark = pytest.mark.looptime

A, B = NamespacedName("ns", "a"), NamespacedName("ns", "b")


def queue() -> WorkQueue[NamespacedName]:
    return WorkQueue("test")


async def test_a_key_added_twice_is_worked_on_once() -> None:
    q = queue()
    q.add(A)
    q.add(A)
    assert await q.get() == A
    q.done(A)
    assert len(q) == 0


async def test_a_key_added_while_processed_is_not_given_to_another_worker() -> None:
    q = queue()
    q.add(A)
    await q.get()
    q.add(A)
    assert repr(q) == "<WorkQueue test ready=[] processing=['ns/a'] later=[]>"
    q.done(A)
    assert await q.get() == A


async def test_keys_come_in_the_order_they_were_added() -> None:
    q = queue()
    for key in (B, A, B):
        q.add(key)
    assert [await q.get(), await q.get()] == [B, A]


async def test_the_earliest_of_several_delays_counts() -> None:
    q = queue()
    q.add_after(A, 30)
    q.add_after(A, 10)
    q.add_after(A, 20)
    await q.get()
    assert asyncio.get_running_loop().time() == pytest.approx(10)


async def test_failures_double_the_delay_until_forgotten() -> None:
    q, times = queue(), []
    for _ in range(4):
        start = asyncio.get_running_loop().time()
        q.add_rate_limited(A)
        q.done(await q.get())
        times.append(round(asyncio.get_running_loop().time() - start, 3))
    q.forget(A)
    assert (times, q.failures(A)) == ([0.005, 0.01, 0.02, 0.04], 0)


async def test_a_cancelled_worker_passes_its_turn_on() -> None:
    q = queue()
    first, second = asyncio.ensure_future(q.get()), asyncio.ensure_future(q.get())
    await asyncio.sleep(0)
    q.add(A)
    first.cancel()
    assert await second == A


async def test_what_is_added_later_keeps_its_causes() -> None:
    q = queue()
    q.add_after(A, 5, "7")
    q.add_after(A, 9, "8")
    key = await q.get()
    assert (asyncio.get_running_loop().time(), q.causes(key)) == (5, ("7", "8"))


async def test_causes_are_collected_until_they_are_asked_for() -> None:
    q = queue()
    q.add(A, "7")
    q.add(A, "9")
    q.add(A, "7")
    key = await q.get()
    assert (q.causes(key), q.causes(key)) == (("9", "7"), ())


async def test_many_failing_keys_are_slowed_down_together() -> None:
    backoff = Backoff()
    delays = [backoff.next(number) for number in range(120)]
    assert delays[0] == 0.005
    assert delays[-1] == pytest.approx(2.0)


async def test_a_bucket_lends_tokens_from_the_future() -> None:
    bucket = TokenBucket(qps=2, burst=1)
    assert [bucket.reserve() for _ in range(3)] == [0, 0.5, 1.0]
    await asyncio.sleep(2)
    assert bucket.try_take()
    assert not bucket.try_take()


async def test_work_that_is_under_way_is_told_to_prometheus() -> None:
    q = queue()
    for key in (A, B):
        q.add(key)
        await q.get()
        await asyncio.sleep(2)

    def sample(name: str) -> float | None:
        return REGISTRY.get_sample_value(f"workqueue_{name}", {"name": "test"})

    assert (sample("unfinished_work_seconds"), sample("longest_running_processor_seconds")) == (6, 4)
    q.done(A)
    q.done(B)
    assert (sample("unfinished_work_seconds"), sample("longest_running_processor_seconds")) == (0, 0)


def test_metrics_can_be_read_when_no_loop_runs() -> None:
    """As of a queue that somebody has left with work under way."""

    async def leave() -> None:
        q = WorkQueue[NamespacedName]("left")
        q.add(A)
        await q.get()

    asyncio.run(leave())
    assert REGISTRY.get_sample_value("workqueue_unfinished_work_seconds", {"name": "left"}) == 0
