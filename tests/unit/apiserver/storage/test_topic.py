"""Topics: many readers, one copy, and no waiting for the slow."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import chain, count

import pytest

from apiserver.storage.entry import Entry, Kind
from apiserver.storage.topic import ADDED, Change, Lagging, Reader, TooSlow, Topic

KIND = Kind("v1", "ConfigMap", lambda obj: {})


def change(revision: int, size: int = 10) -> Change:
    return Change(ADDED, Entry(KIND, f"/k/{revision}", "", str(revision), revision, b"x" * size), None)


def revisions(changes: list[Change]) -> list[int]:
    return [each.revision for each in changes]


async def test_readers_take_what_is_new_at_their_own_pace() -> None:
    topic = Topic(floor=1)
    early = Reader(topic, topic.end)
    topic.publish(change(2))
    late = Reader(topic, topic.end)
    topic.publish(change(3))
    assert (revisions(early.take(10)), revisions(late.take(10))) == ([2, 3], [3])
    assert early.take(10) == []


async def test_all_readers_are_woken_by_one_change() -> None:
    topic = Topic(floor=1)
    readers = [Reader(topic, topic.end) for _ in range(3)]
    waiting = [asyncio.create_task(reader.wait()) for reader in readers]
    await asyncio.sleep(0)
    topic.publish(change(2))
    await asyncio.wait_for(asyncio.gather(*waiting), 60)


def followers(topic: Topic, number: int) -> tuple[list[list[list[int]]], list[asyncio.Task[None]]]:
    """What each of some readers has been served, and the tasks that wait for them."""
    readers = [Reader(topic, topic.end) for _ in range(number)]
    pushed: list[list[list[int]]] = [[] for _ in readers]

    def push(index: int) -> bool:
        if taken := revisions(readers[index].take(10)):
            pushed[index].append(taken)
        return True

    return pushed, [asyncio.create_task(each.wait(partial(push, at))) for at, each in enumerate(readers)]


@pytest.mark.looptime
async def test_many_readers_are_served_in_several_turns_and_late_ones_get_more_at_once() -> None:
    topic = Topic(floor=1)
    pushed, waiting = followers(topic, 40)
    await asyncio.sleep(0)
    topic.publish(change(2))
    await asyncio.sleep(0)
    assert pushed[0] == [[2]]
    assert pushed[-1] == []
    topic.publish(change(3))
    await asyncio.sleep(1)
    assert pushed[0] == [[2], [3]]
    assert pushed[-1] == [[2, 3]]
    assert all([*chain(*each)] == [2, 3] for each in pushed)
    for task in waiting:
        task.cancel()


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("seconds", "rest"),
    [(0.0001, 0.0003), (0.1, 0.002)],
    ids=["three times as long", "two milliseconds at most"],
)
async def test_after_a_round_readers_rest_and_then_get_all_that_has_come(
    monkeypatch: pytest.MonkeyPatch, seconds: float, rest: float
) -> None:
    monkeypatch.setattr("apiserver.storage.topic.perf_counter", count(0, seconds).__next__)
    topic = Topic(floor=1)
    pushed, waiting = followers(topic, 2)
    await asyncio.sleep(0)
    topic.publish(change(2))
    await asyncio.sleep(rest * 0.9)
    topic.publish(change(3))
    topic.publish(change(4))
    assert pushed == [[[2]], [[2]]]
    await asyncio.sleep(rest * 0.2)
    assert pushed == [[[2], [3, 4]], [[2], [3, 4]]]
    for task in waiting:
        task.cancel()


@pytest.mark.looptime
async def test_what_a_reader_has_taken_before_the_topic_comes_round_is_not_pushed_to_it() -> None:
    topic = Topic(floor=1)
    other, reader = Reader(topic, topic.end), Reader(topic, topic.end)
    pushed: list[list[int]] = []

    def push() -> bool:
        pushed.append(revisions(reader.take(10)))
        return True

    async def follow() -> None:
        assert revisions(reader.take(10)) == [2]
        await reader.wait(push)

    waiting = asyncio.create_task(other.wait())
    await asyncio.sleep(0)
    following = asyncio.create_task(follow())
    topic.publish(change(2))
    await waiting
    topic.publish(change(3))
    await asyncio.sleep(1)
    following.cancel()
    assert pushed == [[3]]


async def test_a_reader_that_is_too_slow_is_cut_off_and_the_others_are_not() -> None:
    topic = Topic(floor=1, max_changes=4)
    slow, quick = Reader(topic, topic.end), Reader(topic, topic.end)
    for revision in range(2, 12):
        topic.publish(change(revision))
        assert revisions(quick.take(10)) == [revision]
    with pytest.raises(TooSlow):
        slow.take(10)


def test_what_is_kept_is_bounded_by_bytes_too() -> None:
    topic = Topic(floor=1, max_bytes=100)
    for revision in range(2, 22):
        topic.publish(change(revision, size=50))
    assert revisions(topic.take(topic.after(topic.floor), 99)) == [20, 21]
    assert topic.floor == 19


@pytest.mark.looptime
async def test_changes_are_kept_for_a_while_and_the_newest_for_ever() -> None:
    topic, newest = Topic(floor=1), list(range(852, 952))
    for revision in range(2, 502):
        topic.publish(change(revision))
    await asyncio.sleep(76)
    for revision in range(502, 952):
        topic.publish(change(revision))
    await asyncio.sleep(73)
    assert topic.floor == 1
    await asyncio.sleep(2)
    assert topic.floor == 501
    await asyncio.sleep(75)
    assert (topic.floor, revisions(topic.take(topic.after(topic.floor), 999))) == (newest[0] - 1, newest)
    await asyncio.sleep(1000)
    topic.publish(change(1000))
    assert topic.floor == newest[0] - 1


async def test_after_a_gap_every_reader_lags() -> None:
    topic = Topic(floor=1)
    reader = Reader(topic, topic.end)
    topic.reset(floor=9)
    with pytest.raises(Lagging) as caught:
        reader.take(1)
    assert not isinstance(caught.value, TooSlow)
    assert topic.floor == 9
    assert Reader(topic, topic.end).take(1) == []


@pytest.mark.looptime
async def test_an_alarm_wakes_a_reader_when_nothing_happens() -> None:
    topic, loop = Topic(floor=1), asyncio.get_running_loop()
    reader = Reader(topic, topic.end)
    reader.set_alarm(loop.time() + 30)
    started = loop.time()
    await reader.wait()
    assert loop.time() - started == pytest.approx(30)


def test_the_line_of_a_change_is_encoded_once_for_all() -> None:
    one, header = change(2), b'{"kind":"X",'
    assert one.line(header) == b'{"type":"ADDED","object":{"kind":"X",xxxxxxxxxx}\n'
    assert one.line(header) is one.line(header)


async def test_the_line_of_an_old_change_is_not_kept() -> None:
    topic, one, header = Topic(floor=1), change(2), b'{"kind":"X",'
    topic.publish(one)
    line = one.line(header)
    for revision in range(3, 300):
        topic.publish(change(revision))
    again = one.line(header)
    assert again == line
    assert again is not line
