"""Fair queuing: who is served when there are not seats for all."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from apiserver.flow_control.fair_queuing import QueueSet, Rejected, Ticket
from apiserver.flow_control.flow_stats import FlowStats
from apiserver.flow_control.retry_after import RetryAfter

NOISY, QUIET = (0,), (1,)


def queue_set(limit: int, *, queues: int = 2, length: int = 1000) -> QueueSet:
    made = QueueSet(asyncio.get_running_loop().time)
    made.configure(queues=queues, length=length, is_exempt=False)
    made.set_limit(limit)
    return made


def start(queues: QueueSet, hand: tuple[int, ...], seats: int = 1) -> Ticket:
    return queues.start(hand, seats, FlowStats("level", "schema"))


async def serve(queues: QueueSet, hand: tuple[int, ...], seconds: float, seats: int = 1) -> float:
    """How long a request waited for its seat."""
    began = asyncio.get_running_loop().time()
    ticket = start(queues, hand, seats)
    if ticket.turn is not None:
        await queues.wait(ticket, 60)
    waited = asyncio.get_running_loop().time() - began
    try:
        await asyncio.sleep(seconds)
    finally:
        queues.finish(ticket)
    return waited


@pytest.mark.looptime
async def test_where_there_are_seats_nobody_waits() -> None:
    queues = queue_set(2)
    tickets = [start(queues, NOISY), start(queues, QUIET)]
    assert [each.turn for each in tickets] == [None, None]
    third = start(queues, QUIET)
    assert third.turn is not None
    queues.finish(tickets[0])
    await queues.wait(third, 1)
    for each in (tickets[1], third):
        queues.finish(each)
    assert (queues.seats, queues.executing, queues.waiting, queues._active) == (0, 0, 0, 0)


@pytest.mark.looptime
async def test_what_becomes_of_requests_is_counted() -> None:
    queues, stats = queue_set(2), FlowStats("level", "schema")
    watch, second = (queues.start(NOISY, 1, stats) for _ in range(2))
    watch.is_watch = True
    wide = queues.start(NOISY, 2, stats)
    await asyncio.sleep(3)
    queues.finish(watch)
    assert stats.unaccommodated == 1, "one seat of two is free"
    queues.finish(second)
    await queues.wait(wide, 1)
    queues.finish(wide)
    assert (stats.work, stats.queue_lengths) == ({1: 2, 2: 1}, {1: 3})
    assert (stats.watches.total, stats.executions.count) == (3, 2)
    queues.demand.close_period()
    assert (queues.demand.highest, queues.demand.mean) == (4, 4), "two seats taken, two wanted"


@pytest.mark.looptime
async def test_a_flood_starves_nobody() -> None:
    queues = queue_set(4)
    flood = [asyncio.create_task(serve(queues, NOISY, 0.1)) for _ in range(400)]
    await asyncio.sleep(1)
    waited = [await serve(queues, QUIET, 0.1) for _ in range(10)]
    assert max(waited) <= 0.11, "at most until the next seat is free"
    assert max(await asyncio.gather(*flood)) > 9, "while the flood waits for itself"
    assert queues._active == 0


@pytest.mark.looptime
async def test_two_floods_get_the_same() -> None:
    queues, served = queue_set(3), Counter[str]()

    async def flood(name: str, hand: tuple[int, ...]) -> None:
        while True:
            await serve(queues, hand, 0.01)
            served[name] += 1

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(flood("many", NOISY)) for _ in range(90)]
        tasks += [group.create_task(flood("few", QUIET)) for _ in range(10)]
        await asyncio.sleep(5)
        for task in tasks:
            task.cancel()
    assert served["few"] == pytest.approx(served["many"], rel=0.05)
    assert (queues.seats, queues.waiting, queues.waiting_seats, queues._active) == (0, 0, 0, 0)


@pytest.mark.looptime
async def test_a_full_queue_refuses_and_one_that_waits_too_long_gives_up() -> None:
    queues = queue_set(1, length=1)
    running, waiting = start(queues, NOISY), start(queues, NOISY)
    with pytest.raises(Rejected, match="queue-full"):
        start(queues, NOISY)
    with pytest.raises(Rejected, match="time-out"):
        await queues.wait(waiting, 15)
    queues.finish(running)
    assert start(queues, QUIET).turn is None


@pytest.mark.looptime
async def test_without_queues_there_is_a_seat_or_none() -> None:
    queues = queue_set(1, queues=0)
    start(queues, ())
    with pytest.raises(Rejected, match="concurrency-limit"):
        start(queues, ())


@pytest.mark.looptime
async def test_the_exempt_have_no_limit() -> None:
    queues = QueueSet(asyncio.get_running_loop().time)
    queues.configure(queues=0, length=0, is_exempt=True)
    assert [start(queues, ()).turn for _ in range(100)] == [None] * 100


@pytest.mark.looptime
async def test_a_request_wider_than_all_seats_is_served_alone() -> None:
    queues = queue_set(2)
    first, wide = start(queues, QUIET), start(queues, NOISY, 10)
    assert wide.turn is not None
    queues.finish(first)
    await queues.wait(wide, 1)
    assert start(queues, QUIET).turn is not None


@pytest.mark.looptime
async def test_fewer_queues_serve_those_that_wait_in_the_others() -> None:
    queues = queue_set(1)
    running, waiting = start(queues, NOISY), start(queues, QUIET)
    queues.configure(queues=1, length=10, is_exempt=False)
    queues.finish(running)
    await queues.wait(waiting, 1)


async def test_clients_are_sent_away_for_longer_the_more_there_are() -> None:
    now = [100.0]
    retry = RetryAfter(lambda: now[0])
    seen = []
    for _ in range(12):
        for _ in range(20):
            retry.note_refusal()
        now[0] += 1
        seen.append(retry.seconds)
    assert seen[0] == 1
    assert seen[-1] > 2
    now[0] += 200
    retry.note_refusal()
    assert retry.seconds < seen[-1]
