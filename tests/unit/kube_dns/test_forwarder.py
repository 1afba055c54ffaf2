"""Asking others: in order, patiently, once for all who want to know, and not again too soon."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import dns.message
import pytest

from kube_dns import forwarder as module
from kube_dns.exchange import ExchangeError, Server
from kube_dns.forwarder import Forwarder, TooManyQuestions
from kube_dns.records import Question
from kube_dns.upstreams import FAILED_FOR, Upstreams
from kube_dns.wire import Flags, Reply, reply_of

pytestmark = pytest.mark.looptime

FIRST, SECOND = Server("192.0.2.1"), Server("192.0.2.2")
WWW = Question("www.example.com.", "A")
Says = str | float
"""An rcode, or the seconds after which it has still said nothing."""


def reply(rcode: str, question: Question = WWW) -> Reply:
    answer = f";ANSWER\n{question.name} 300 IN A 192.0.2.80" if rcode == "NOERROR" else ""
    text = f"id 1\nopcode QUERY\nrcode {rcode}\nflags QR\n;QUESTION\n{question.name} IN A\n{answer}"
    return reply_of(dns.message.from_text(text))


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class World:
    """What each server says next; the last saying is repeated."""

    sayings: dict[Server, list[Says]]
    asked: list[tuple[Server, float]] = field(default_factory=list)
    takes: float = 0.01

    async def exchange(self, server: Server, question: Question, flags: Flags, seconds: float) -> Reply:
        self.asked.append((server, round(now(), 2)))
        sayings = self.sayings[server]
        says = sayings.pop(0) if len(sayings) > 1 else sayings[0]
        if isinstance(says, float):
            await asyncio.sleep(min(says, seconds))
            raise ExchangeError(f"{server}: timed out")
        await asyncio.sleep(self.takes)
        return reply(says, question)

    def forwarder(self) -> Forwarder:
        upstreams = Upstreams(now)
        upstreams.set(self.sayings)
        return Forwarder(upstreams, self.exchange, now)

    @property
    def servers(self) -> list[Server]:
        return [server for server, _ in self.asked]


async def ask(forwarder: Forwarder, question: Question = WWW) -> str | None:
    answer = await forwarder.ask(question, Flags())
    return answer.rcode if answer else None


@pytest.mark.parametrize(
    ("first", "second", "says", "asked", "seconds"),
    [
        pytest.param(["NOERROR"], ["NOERROR"], "NOERROR", [FIRST], 0.01, id="the first that answers"),
        pytest.param(["NXDOMAIN"], ["NOERROR"], "NXDOMAIN", [FIRST], 0.01, id="a denial is an answer"),
        pytest.param([9.0], ["NOERROR"], "NOERROR", [FIRST, SECOND], 2.01, id="the next if it is silent"),
        pytest.param(["SERVFAIL"], ["NOERROR"], "NOERROR", [FIRST, SECOND], 0.02, id="the next if it fails"),
        pytest.param(["REFUSED"], ["NOERROR"], "NOERROR", [FIRST, SECOND], 0.02, id="the next if it won't"),
        pytest.param(["SERVFAIL"], ["REFUSED"], "REFUSED", [FIRST, SECOND], 0.02, id="a failure of all"),
        pytest.param(
            [0.0], ["SERVFAIL"], "SERVFAIL", [FIRST, SECOND], 0.01, id="a failure of those there are"
        ),
        pytest.param([0.0, "NOERROR"], [0.0], "NOERROR", [FIRST, SECOND, FIRST], 0.01, id="a second chance"),
        pytest.param([9.0], [9.0], None, [FIRST, SECOND], 4.0, id="nobody in time"),
        pytest.param([0.0], [0.0], None, [FIRST, SECOND] * 2, 0.0, id="nobody at all"),
    ],
)
async def test_who_is_asked(
    first: list[Says], second: list[Says], says: str | None, asked: list[Server], seconds: float
) -> None:
    world = World({FIRST: first, SECOND: second})
    start = now()
    assert await ask(world.forwarder()) == says
    assert world.servers == asked
    assert now() - start == pytest.approx(seconds, abs=0.001)


async def test_who_failed_is_asked_last_for_a_while() -> None:
    world = World({FIRST: [0.0, "NOERROR"], SECOND: ["NOERROR"]})
    forwarder = world.forwarder()
    for name in ("a.", "b."):
        await ask(forwarder, Question(name, "A"))
    await asyncio.sleep(FAILED_FOR)
    await ask(forwarder, Question("c.", "A"))
    assert world.servers == [FIRST, SECOND, SECOND, FIRST]


async def test_without_anybody_to_ask_nobody_knows() -> None:
    assert await ask(World({}).forwarder()) is None


async def test_an_answer_is_kept_with_the_time_that_is_left_of_it() -> None:
    world = World({FIRST: ["NOERROR"]})
    forwarder = world.forwarder()
    await ask(forwarder)
    await asyncio.sleep(20)
    kept = await forwarder.ask(WWW, Flags())
    assert kept is not None
    assert kept.ttl == 10
    await asyncio.sleep(11)
    await ask(forwarder)
    assert len(world.asked) == 2


@pytest.mark.parametrize(("says", "seconds"), [("NXDOMAIN", 5), ("SERVFAIL", 5), (0.0, 5)])
async def test_that_there_is_nothing_is_kept_as_well(says: Says, seconds: float) -> None:
    world = World({FIRST: [says]})
    forwarder = world.forwarder()
    await ask(forwarder)
    asked = len(world.asked)
    await asyncio.sleep(seconds - 0.1)
    await ask(forwarder)
    assert len(world.asked) == asked
    await asyncio.sleep(0.2)
    await ask(forwarder)
    assert len(world.asked) > asked


async def test_dnssec_is_another_question() -> None:
    world = World({FIRST: ["NOERROR"]})
    forwarder = world.forwarder()
    for flags in (Flags(), Flags(dnssec_ok=True), Flags(checking_disabled=True), Flags()):
        await forwarder.ask(WWW, flags)
    assert len(world.asked) == 3


async def test_many_who_ask_at_once_share_one_question() -> None:
    world = World({FIRST: ["NOERROR"]})
    forwarder = world.forwarder()
    assert await asyncio.gather(*(ask(forwarder) for _ in range(100))) == ["NOERROR"] * 100
    assert len(world.asked) == 1


async def test_one_who_gives_up_does_not_spoil_it_for_the_others() -> None:
    world = World({FIRST: ["NOERROR"]}, takes=1.0)
    forwarder = world.forwarder()
    hasty, patient = asyncio.create_task(ask(forwarder)), asyncio.create_task(ask(forwarder))
    await asyncio.sleep(0.5)
    hasty.cancel()
    assert await patient == "NOERROR"
    assert len(world.asked) == 1


async def test_a_question_that_comes_back_waits_for_itself_and_ends() -> None:
    async def back(server: Server, question: Question, flags: Flags, seconds: float) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                await forwarder.ask(question, flags)
        except TimeoutError:
            raise ExchangeError("timed out") from None
        raise AssertionError("the question was answered by itself")

    upstreams = Upstreams(now)
    upstreams.set([FIRST])
    forwarder = Forwarder(upstreams, back, now)
    assert await ask(forwarder) is None
    assert now() < 5


async def test_there_is_an_end_to_how_much_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONCURRENT", 2)
    world = World({FIRST: ["NOERROR"]}, takes=1.0)
    forwarder = world.forwarder()
    asking = [asyncio.create_task(ask(forwarder, Question(f"{n}.", "A"))) for n in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(TooManyQuestions):
        await ask(forwarder)
    await asyncio.gather(*asking)
    assert await ask(forwarder) == "NOERROR"


async def test_closing_ends_what_is_in_flight() -> None:
    world = World({FIRST: [9.0]})
    forwarder = world.forwarder()
    asking = asyncio.create_task(ask(forwarder))
    await asyncio.sleep(0.1)
    await forwarder.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asking
