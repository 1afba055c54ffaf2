"""What is answered at once, how it ages, and that nothing that comes in is fatal."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import dns.message
import pytest
from prometheus_client import REGISTRY

from apimachinery.objects import Object
from kube_dns import responder as module
from kube_dns.exchange import ExchangeError, Server
from kube_dns.forwarder import Forwarder
from kube_dns.loop import LoopGuard
from kube_dns.records import Question
from kube_dns.resolver import Resolver
from kube_dns.responder import Responder
from kube_dns.upstreams import Upstreams
from kube_dns.wire import Flags, Reply, reply_of
from kube_dns.zone import Zone
from tests.unit.kube_dns.builders import make_alias, make_endpoint, make_service, make_slice, make_zone

pytestmark = pytest.mark.looptime

WEB, DB = "web.shop.svc.cluster.local.", "db.shop.svc.cluster.local."
SERVER = "dns://192.0.2.7:53"
OTHER = Server("192.0.2.53")


def now() -> float:
    return asyncio.get_running_loop().time()


def make_responder(
    zone: Zone, world: dict[str, str] | None = None, protocol: str = "udp"
) -> tuple[Responder, LoopGuard]:
    """`world`: the addresses of names elsewhere; a name that isn't there gets no answer."""

    async def exchange(server: Server, question: Question, flags: Flags, seconds: float) -> Reply:
        if question.name not in (world or {}):
            raise ExchangeError("silence")
        record = f"{question.name} 10 IN A {(world or {})[question.name]}"
        text = f"id 1\nopcode QUERY\nflags QR\n;QUESTION\n{question.name} IN A\n;ANSWER\n{record}"
        return reply_of(dns.message.from_text(text))

    upstreams = Upstreams(now)
    upstreams.set([OTHER])
    guard = LoopGuard(upstreams, exchange, random.Random(0))
    resolver = Resolver(zone, Forwarder(upstreams, exchange, now), guard)
    return Responder(resolver, protocol, SERVER, now), guard


def shop(*services: Object, slices: tuple[Object, ...] = ()) -> Zone:
    return make_zone([make_service("web", "10.96.0.1"), *services], slices)


def query(name: str = WEB, type: str = "A", **options: object) -> dns.message.Message:
    return dns.message.make_query(name, type, **options)  # type: ignore[arg-type]


async def ask(responder: Responder, asked: dns.message.Message) -> tuple[bool, dns.message.Message]:
    """Whether the answer was ready, and the answer."""
    data = asked.to_wire()
    ready = responder.ready(data)
    response = dns.message.from_wire(ready or await responder.respond(data))
    assert asked.is_response(response)
    return ready is not None, response


def texts(response: dns.message.Message) -> list[str]:
    return [line for rrset in response.answer for line in rrset.to_text().splitlines()]


async def test_who_asks_the_same_again_gets_the_answer_at_once_under_the_new_id() -> None:
    responder, _ = make_responder(shop())
    was_ready, first = await ask(responder, query())
    is_ready, second = await ask(responder, query())
    assert (was_ready, is_ready) == (False, True)
    assert first.id != second.id
    assert texts(first) == texts(second) == [f"{WEB} 30 IN A 10.96.0.1"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(query(WEB.upper()), id="in another case"),
        pytest.param(query(type="AAAA"), id="for another type"),
        pytest.param(query(use_edns=0), id="with EDNS"),
    ],
)
async def test_who_asks_otherwise_gets_an_answer_of_his_own(other: dns.message.Message) -> None:
    responder, _ = make_responder(shop())
    await ask(responder, query())
    was_ready, response = await ask(responder, other)
    assert not was_ready
    assert response.question[0].name.labels == other.question[0].name.labels
    assert response.edns == other.edns


async def test_what_is_ready_is_forgotten_when_the_zone_changes() -> None:
    responder, _ = make_responder(shop())
    await ask(responder, query())
    responder.forget()
    assert (await ask(responder, query()))[0] is False


async def test_nothing_is_kept_of_a_zone_that_is_not_known_yet() -> None:
    zone = shop()
    zone.is_synced = False
    responder, _ = make_responder(zone)
    assert (await ask(responder, query()))[1].rcode() == dns.rcode.SERVFAIL
    zone.is_synced = True
    assert texts((await ask(responder, query()))[1])


async def test_clients_are_spread_over_the_addresses_of_a_name() -> None:
    endpoints = [make_endpoint(f"10.244.0.{n}") for n in range(1, 5)]
    responder, _ = make_responder(shop(make_service("db", "None"), slices=(make_slice("db", *endpoints),)))
    firsts: Counter[str] = Counter()
    ready = 0
    for _ in range(400):
        was_ready, response = await ask(responder, query(DB))
        ready += was_ready
        firsts[texts(response)[0]] += 1
        await asyncio.sleep(0.1)
    assert len(firsts) == 4
    assert min(firsts.values()) > 50
    assert ready > 200


async def test_another_servers_answer_is_ready_for_a_second_and_ages() -> None:
    responder, _ = make_responder(shop(), {"www.example.com.": "192.0.2.80"})
    asked = query("www.example.com.")
    assert texts((await ask(responder, asked))[1]) == ["www.example.com. 10 IN A 192.0.2.80"]
    assert (await ask(responder, asked))[0] is True
    await asyncio.sleep(3.5)
    was_ready, response = await ask(responder, asked)
    assert not was_ready
    assert texts(response) == ["www.example.com. 7 IN A 192.0.2.80"]


async def test_an_alias_is_followed_out_of_the_zone() -> None:
    responder, _ = make_responder(
        shop(make_alias("out", "www.example.com")), {"www.example.com.": "192.0.2.80"}
    )
    _, response = await ask(responder, query("out.shop.svc.cluster.local."))
    assert texts(response) == [
        "out.shop.svc.cluster.local. 30 IN CNAME www.example.com.",
        "www.example.com. 10 IN A 192.0.2.80",
    ]


async def test_when_nobody_knows_the_client_is_told_to_try_elsewhere_and_nothing_is_kept() -> None:
    responder, _ = make_responder(shop(make_alias("out", "nowhere.example.com")))
    for name in ("nowhere.example.com.", "out.shop.svc.cluster.local."):
        was_ready, response = await ask(responder, query(name))
        assert response.rcode() == dns.rcode.SERVFAIL
        assert not was_ready
        assert not texts(response)


async def test_a_resolver_that_sends_our_question_back_is_left_out() -> None:
    responder, guard = make_responder(shop(), {"www.example.com.": "192.0.2.80"})
    probes: list[Question] = []

    async def looping(server: Server, question: Question, flags: Flags, seconds: float) -> Reply:
        probes.append(question)
        _, response = await ask(responder, query(question.name, question.type))
        return reply_of(response)

    guard._exchange = looping
    await guard.probe()
    assert [question.type for question in probes] == ["HINFO"]
    assert (await ask(responder, query("www.example.com.")))[1].rcode() == dns.rcode.SERVFAIL
    assert texts((await ask(responder, query()))[1])


async def test_a_datagram_is_cut_to_size_and_a_stream_is_not() -> None:
    endpoints = [make_endpoint(f"10.244.1.{n}") for n in range(1, 200)]
    zone = shop(make_service("db", "None"), slices=(make_slice("db", *endpoints),))
    for protocol, is_cut in (("udp", True), ("tcp", False)):
        responder, _ = make_responder(zone, protocol=protocol)
        _, response = await ask(responder, query(DB))
        assert bool(response.flags & dns.flags.TC) == is_cut
        assert (len(texts(response)) == 199) != is_cut


async def test_a_long_question_is_answered_and_not_kept() -> None:
    responder, _ = make_responder(shop())
    asked = query(use_edns=0, pad=600)
    await ask(responder, asked)
    assert (await ask(responder, asked))[0] is False


async def test_a_failure_of_ours_is_a_failure_of_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise RuntimeError("a mistake")

    responder, _ = make_responder(shop())
    monkeypatch.setattr(module.wire, "encode", broken)
    response = dns.message.from_wire(await responder.respond(query().to_wire()))
    assert response.rcode() == dns.rcode.SERVFAIL
    monkeypatch.undo()
    assert texts((await ask(responder, query()))[1])


async def test_junk_is_answered_by_a_header_or_not_at_all() -> None:
    responder, _ = make_responder(shop())
    assert await responder.respond(b"junk") == b""
    assert len(await responder.respond(query().to_wire() + b"junk")) == 12


async def test_every_request_is_counted_ready_or_not() -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"server": SERVER, "zone": ".", "view": "", **labels}) or 0.0

    def counts() -> list[float]:
        return [
            count("coredns_dns_requests_total", proto="udp", family="1", type="A"),
            count("coredns_dns_responses_total", rcode="NOERROR", plugin="kubernetes"),
            count("coredns_dns_request_duration_seconds_count"),
            count("coredns_dns_response_size_bytes_count", proto="udp"),
        ]

    responder, _ = make_responder(shop())
    before = counts()
    for _ in range(3):
        await ask(responder, query())
    assert [after - old for after, old in zip(counts(), before, strict=True)] == [3, 3, 3, 3]
