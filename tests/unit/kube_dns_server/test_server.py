"""The sockets: real ones, with real clients and other servers."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import dns.asyncquery
import dns.message
import pytest

from kube_dns import server as module
from kube_dns.exchange import ExchangeError, Server, exchange
from kube_dns.forwarder import Forwarder
from kube_dns.loop import LoopGuard
from kube_dns.records import Question
from kube_dns.resolver import Resolver
from kube_dns.responder import Responder
from kube_dns.server import DnsServer
from kube_dns.upstreams import Upstreams
from kube_dns.wire import Flags
from kube_dns.zone import Zone
from tests.fakes.dns_server import FakeResolver, free_dns_port
from tests.unit.kube_dns.builders import make_endpoint, make_service, make_slice, make_zone

HOST, LIMIT = "127.0.0.1", 60.0
WEB, DB = "web.shop.svc.cluster.local.", "db.shop.svc.cluster.local."
MANY = [f"192.0.2.{n}" for n in range(1, 100)]


@dataclass
class Running:
    """A server of ours, and the one it asks."""

    port: int
    upstream: FakeResolver
    upstreams: Upstreams
    guard: LoopGuard

    async def udp(self, name: str, type: str = "A", **options: object) -> dns.message.Message:
        query = dns.message.make_query(name, type, **options)  # type: ignore[arg-type]
        return await dns.asyncquery.udp(query, HOST, LIMIT, self.port)

    async def tcp(self, name: str, type: str = "A") -> dns.message.Message:
        return await dns.asyncquery.tcp(dns.message.make_query(name, type), HOST, LIMIT, self.port)


def zone() -> Zone:
    endpoints = [make_endpoint(f"10.244.1.{n}") for n in range(1, 200)]
    return make_zone(
        [make_service("web", "10.96.0.1"), make_service("db", "None")], [make_slice("db", *endpoints)]
    )


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    clock = asyncio.get_running_loop().time
    upstream = FakeResolver({("www.example.com.", "A"): ["192.0.2.80"], ("many.example.com.", "A"): MANY})
    upstreams = Upstreams(clock)
    upstreams.set([Server(HOST, await upstream.start(port=free_dns_port()))])
    guard = LoopGuard(upstreams, exchange, random.Random(0))
    forwarder = Forwarder(upstreams, exchange, clock)
    resolver = Resolver(zone(), forwarder, guard)
    server = DnsServer(*(Responder(resolver, each, "dns://test", clock) for each in ("udp", "tcp")))
    try:
        yield Running(await server.start(HOST, free_dns_port()), upstream, upstreams, guard)
    finally:
        await server.aclose()
        await forwarder.aclose()
        await upstream.aclose()


def addresses(response: dns.message.Message) -> list[str]:
    return [str(each) for rrset in response.answer for each in rrset]


async def test_a_question_is_answered_over_both_protocols_first_and_again() -> None:
    async with running() as dns_:
        for _ in range(2):
            assert addresses(await dns_.udp(WEB)) == ["10.96.0.1"]
            assert addresses(await dns_.tcp(WEB)) == ["10.96.0.1"]


async def test_what_does_not_fit_a_datagram_comes_over_tcp() -> None:
    async with running() as dns_:
        query = dns.message.make_query(DB, "A")
        response, used_tcp = await dns.asyncquery.udp_with_fallback(query, HOST, LIMIT, dns_.port)
        assert used_tcp
        assert len(addresses(response)) == 199
        assert len((await dns_.udp(DB, use_edns=0, payload=4096)).to_wire()) <= 1232


async def test_a_connection_may_ask_many_questions() -> None:
    async with running() as dns_:
        reader, writer = await asyncio.open_connection(HOST, dns_.port)
        queries = [dns.message.make_query(name, "A") for name in (WEB, "www.example.com.", DB, WEB)]
        writer.writelines(query.to_wire(prepend_length=True) for query in queries)
        for query in queries:
            data = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            assert query.is_response(dns.message.from_wire(data))
        writer.close()


async def test_other_names_are_asked_of_the_hosts_resolver_once() -> None:
    async with running() as dns_:
        for ask in (dns_.udp, dns_.tcp, dns_.udp):
            assert addresses(await ask("www.example.com.")) == ["192.0.2.80"]
        assert dns_.upstream.asked == [("www.example.com.", "A", "udp")]
        assert (await dns_.udp("nowhere.example.com.")).rcode() == dns.rcode.NXDOMAIN


async def test_what_the_resolver_cuts_off_is_fetched_over_tcp() -> None:
    async with running() as dns_:
        assert sorted(addresses(await dns_.tcp("many.example.com."))) == sorted(MANY)
        assert [protocol for *_, protocol in dns_.upstream.asked] == ["udp", "tcp"]


async def test_a_resolver_that_refuses_the_connection_is_known_to_fail_at_once() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as closed:
        closed.bind((HOST, 0))
        port = closed.getsockname()[1]
    async with asyncio.timeout(20):
        with pytest.raises(ExchangeError):
            await exchange(Server(HOST, port), Question("a.", "A"), Flags(), 30.0)


async def test_a_silent_resolver_is_given_up() -> None:
    async with running() as dns_:
        dns_.upstream.is_silent = True
        (server,) = dns_.upstreams.servers
        with pytest.raises(ExchangeError):
            await exchange(server, Question("a.", "A"), Flags(), 0.05)


async def test_answers_of_a_forger_are_passed_over() -> None:
    async with running() as dns_:
        (server,) = dns_.upstreams.servers

        def forge(query: dns.message.Message) -> bytes:
            """An answer with a wrong id, sent before the true one."""
            forged = dns.message.make_response(query)
            forged.id ^= 1
            forged.answer.append(dns.rrset.from_text("www.example.com.", 300, "IN", "A", "6.6.6.6"))
            return forged.to_wire()

        dns_.upstream.forge = forge
        reply = await exchange(server, Question("www.example.com.", "A"), Flags(), LIMIT)
        assert addresses(reply.message) == ["192.0.2.80"]


async def test_a_resolver_that_asks_us_is_found_out() -> None:
    async with running() as dns_:
        dns_.upstreams.set([Server(HOST, dns_.port)])
        await dns_.guard.probe()
        assert dns_.upstreams.in_order() == []
        assert (await dns_.udp("www.example.com.")).rcode() == dns.rcode.SERVFAIL
        assert addresses(await dns_.udp(WEB)) == ["10.96.0.1"]


async def test_an_innocent_resolver_is_kept() -> None:
    async with running() as dns_:
        await dns_.guard.probe()
        assert dns_.upstreams.in_order() == list(dns_.upstreams.servers)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"x",
        b"\0" * 12,
        b"\xff" * 600,
        dns.message.make_response(dns.message.make_query(WEB, "A")).to_wire(),
    ],
    ids=["nothing", "a letter", "zeroes", "ones", "an answer"],
)
async def test_junk_changes_nothing_for_others(junk: bytes) -> None:
    async with running() as dns_:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            for _ in range(100):
                client.sendto(junk, (HOST, dns_.port))
        reader, writer = await asyncio.open_connection(HOST, dns_.port)
        writer.write(len(junk).to_bytes(2) + junk)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), LIMIT)
        writer.close()
        assert addresses(await dns_.udp(WEB)) == ["10.96.0.1"]
        assert addresses(await dns_.tcp(WEB)) == ["10.96.0.1"]


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)
    async with running() as dns_:
        reader, writer = await asyncio.open_connection(HOST, dns_.port)
        writer.write(b"\0")
        assert await asyncio.wait_for(reader.read(), LIMIT) == b""
        writer.close()


async def test_connections_beyond_the_limit_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with running() as dns_:
        first_reader, first = await asyncio.open_connection(HOST, dns_.port)
        query = dns.message.make_query(WEB, "A").to_wire(prepend_length=True)
        first.write(query)
        await first_reader.readexactly(2)
        reader, second = await asyncio.open_connection(HOST, dns_.port)
        assert await asyncio.wait_for(reader.read(), LIMIT) == b""
        first.close()
        second.close()


async def test_closing_ends_connections_and_questions() -> None:
    async with running() as dns_:
        dns_.upstream.is_silent = True
        reader, writer = await asyncio.open_connection(HOST, dns_.port)
        writer.write(dns.message.make_query("a.", "A").to_wire(prepend_length=True))
        await asyncio.sleep(0)
    assert await asyncio.wait_for(reader.read(), LIMIT) == b""
    writer.close()
