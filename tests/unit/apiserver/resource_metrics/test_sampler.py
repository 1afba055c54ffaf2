"""When kubelets are asked, and when the last answer will do."""

from __future__ import annotations

import asyncio

import pytest

from apimachinery.objects import Object, name_of
from apiserver.resource_metrics.sampler import FIRST_WINDOW, LONGEST, RESOLUTION, Pair, Sampler, ScrapeError
from apiserver.resource_metrics.scrape import Point, Scrape

N1: Object = {"metadata": {"name": "n1", "uid": "u1"}}
N2: Object = {"metadata": {"name": "n2", "uid": "u2"}}

pytestmark = pytest.mark.looptime


class Kubelets:
    """Each answer bears the time at which it was given."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away: set[str] = set()
        self.sampler = Sampler(self.ask, asyncio.get_running_loop().time)

    async def ask(self, node: Object) -> Scrape:
        self.asked.append(name_of(node))
        await asyncio.sleep(0)
        if name_of(node) in self.away:
            raise ScrapeError("dial tcp: connection refused")
        return Scrape(Point(time=asyncio.get_running_loop().time()), {})

    async def times(self) -> tuple[float, float]:
        pair = (await self.sampler.sample([N1]))["n1"]
        assert pair.last.node is not None
        assert pair.before.node is not None
        return pair.last.node.time, pair.before.node.time


async def test_the_first_who_asks_waits_for_a_second_answer() -> None:
    assert await Kubelets().times() == (FIRST_WINDOW, 0.0)


async def test_a_recent_answer_is_given_again() -> None:
    kubelets = Kubelets()
    first = await kubelets.times()
    await asyncio.sleep(RESOLUTION - 0.1)
    assert await kubelets.times() == first
    assert kubelets.asked == ["n1", "n1"]


async def test_who_asks_regularly_gets_the_time_since() -> None:
    kubelets = Kubelets()
    await kubelets.times()
    await asyncio.sleep(15.0)
    assert await kubelets.times() == (FIRST_WINDOW + 15.0, FIRST_WINDOW)
    assert len(kubelets.asked) == 3


async def test_an_old_answer_is_not_counted_from() -> None:
    kubelets = Kubelets()
    await kubelets.times()
    await asyncio.sleep(LONGEST)
    last, before = await kubelets.times()
    assert last - before == FIRST_WINDOW


async def test_those_who_ask_together_share_the_answers() -> None:
    kubelets = Kubelets()
    found = await asyncio.gather(*(kubelets.sampler.sample([N1, N2]) for _ in range(5)))
    assert sorted(kubelets.asked) == ["n1", "n1", "n2", "n2"]
    assert all(isinstance(pair, Pair) for each in found for pair in each.values())


async def test_who_does_not_answer_is_missing_and_not_asked_again_at_once() -> None:
    kubelets = Kubelets()
    kubelets.away = {"n2"}
    assert list(await kubelets.sampler.sample([N1, N2])) == ["n1"]
    assert list(await kubelets.sampler.sample([N2])) == []
    assert kubelets.asked.count("n2") == 1
    kubelets.away = set()
    await asyncio.sleep(RESOLUTION)
    assert list(await kubelets.sampler.sample([N2])) == ["n2"]


async def test_many_nodes_wait_for_their_second_answer_together() -> None:
    kubelets, nodes = Kubelets(), [{"metadata": {"name": f"n{n}", "uid": f"u{n}"}} for n in range(100)]
    assert len(await kubelets.sampler.sample(nodes)) == 100
    assert asyncio.get_running_loop().time() == pytest.approx(FIRST_WINDOW)
