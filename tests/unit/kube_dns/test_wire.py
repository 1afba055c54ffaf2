"""Bytes to questions and answers to bytes: what clients may send, and what they get."""

from __future__ import annotations

import random
import struct

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import pytest

from kube_dns import wire
from kube_dns.records import Answer, Question, Rcode, Record
from kube_dns.wire import Flags, Rejected, Reply, decode, encode

NAME = "web.shop.svc.cluster.local."
WEB = Answer((Record(NAME, "A", 30, "10.96.0.1"),))


def query(name: str = NAME, type: str = "A", **options: object) -> dns.message.Message:
    return dns.message.make_query(name, type, **options)  # type: ignore[arg-type]


def answered(asked: dns.message.Message, answer: Answer, reply: Reply | None = None) -> dns.message.Message:
    decoded = decode(asked.to_wire())
    return dns.message.from_wire(encode(decoded, answer, reply, limit=decoded.payload))


def many(count: int, type: str = "A") -> Answer:
    return Answer(tuple(Record(NAME, type, 30, f"10.244.{n // 250}.{n % 250}") for n in range(count)))


def test_a_question_is_read_in_lower_case_with_what_is_asked_for_besides() -> None:
    asked = query("WEB.Shop.svc.cluster.local.", "AAAA", want_dnssec=True)
    asked.flags |= dns.flags.CD
    decoded = decode(asked.to_wire())
    assert decoded.question == Question(NAME, "AAAA")
    assert decoded.flags == Flags(dnssec_ok=True, checking_disabled=True)


def test_an_answer_has_the_id_the_question_and_its_case() -> None:
    asked = query("wEb.ShOp.svc.cluster.local.")
    response = answered(asked, WEB)
    assert asked.is_response(response)
    assert response.question[0].name.labels[0] == b"wEb"
    assert response.answer[0].name.labels[:2] == (b"wEb", b"ShOp")
    assert response.answer[0].to_text().endswith("30 IN A 10.96.0.1")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (WEB, "QR AA RD RA"),
        (Answer(follow=NAME), "QR RD RA"),
        (Answer(rcode=Rcode.NXDOMAIN), "QR AA RD RA"),
    ],
)
def test_the_flags_say_whose_the_answer_is(answer: Answer, expected: str) -> None:
    response = answered(query(), answer)
    assert dns.flags.to_text(response.flags) == expected
    assert dns.rcode.to_text(response.rcode()) == answer.rcode


def test_edns_is_answered_with_edns_and_only_then() -> None:
    assert answered(query(use_edns=False), WEB).edns == -1
    response = answered(query(payload=4096, want_dnssec=True), WEB)
    assert (response.edns, response.payload) == (0, 1232)
    assert response.ednsflags & dns.flags.DO


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"use_edns": False}, 512),
        ({"payload": 100}, 512),
        ({"payload": 900}, 900),
        ({"payload": 65000}, 1232),
    ],
)
def test_a_datagram_is_never_larger_than_the_client_or_the_network_takes(
    options: dict[str, object], limit: int
) -> None:
    decoded = decode(query(**options).to_wire())
    response = encode(decoded, many(200), limit=decoded.payload)
    assert len(response) <= limit
    parsed = dns.message.from_wire(response)
    assert parsed.flags & dns.flags.TC
    assert len(decode(query().to_wire()).message.question) == 1
    assert not dns.message.from_wire(encode(decoded, many(200))).flags & dns.flags.TC


def test_additional_records_that_do_not_fit_are_no_reason_to_ask_again() -> None:
    answer = Answer(WEB.records, tuple(Record(f"a{n}.{NAME}", "A", 30, "10.0.0.1") for n in range(100)))
    response = answered(query(use_edns=False), answer)
    assert response.answer
    assert not response.flags & dns.flags.TC


def test_addresses_come_in_changing_order() -> None:
    decoded = decode(query().to_wire())
    firsts = {str(dns.message.from_wire(encode(decoded, many(8))).answer[0][0]) for _ in range(200)}
    assert len(firsts) == 8


@pytest.mark.parametrize(
    "record",
    [
        Record(NAME, "SRV", 30, f"0 100 80 {NAME}"),
        Record(NAME, "TXT", 28800, '"1.1.0"'),
        Record("1.0.96.10.in-addr.arpa.", "PTR", 30, NAME),
        Record(
            "cluster.local.",
            "SOA",
            30,
            "ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 30",
        ),
        Record(NAME, "AAAA", 30, "fd00::1"),
        Record(NAME, "CNAME", 30, "www.example.com."),
    ],
    ids=lambda record: record.type,
)
def test_records_of_every_type_arrive_as_they_are_written(record: Record) -> None:
    response = answered(query(record.name, record.type), Answer((record,)))
    assert response.answer[0].to_text() == str(record)


# What another server said


def said(text: str) -> Reply:
    return wire.reply_of(dns.message.from_text(f"id 1\nopcode QUERY\nflags QR RD RA\n{text}"))


POSITIVE = (
    ";QUESTION\nexample.com. IN A\n;ANSWER\nexample.com. 300 IN A 192.0.2.1\nexample.com. 300 IN A 192.0.2.2"
)
ALIAS = (
    ";QUESTION\na.example.com. IN A\n"
    ";ANSWER\na.example.com. 20 IN CNAME b.example.com.\nb.example.com. 300 IN A 192.0.2.1"
)
DENIAL = (
    "rcode NXDOMAIN\n;QUESTION\nx.example.com. IN A\n"
    ";AUTHORITY\nexample.com. 900 IN SOA ns.example.com. a.example.com. 1 2 3 4 9"
)


@pytest.mark.parametrize(
    ("text", "ttl", "rcode", "addresses"),
    [
        pytest.param(POSITIVE, 30, "NOERROR", 2, id="at most half a minute"),
        pytest.param(ALIAS, 20, "NOERROR", 1, id="as long as the shortest"),
        pytest.param(DENIAL, 9, "NXDOMAIN", 0, id="as long as the SOA lets deny"),
        pytest.param(";QUESTION\nx.example.com. IN A", 5, "NOERROR", 0, id="nothing, without an SOA"),
        pytest.param("rcode SERVFAIL\n;QUESTION\nx.example.com. IN A", 5, "SERVFAIL", 0, id="a failure"),
        pytest.param(POSITIVE.replace("300", "0"), 0, "NOERROR", 2, id="not at all"),
    ],
)
def test_a_reply_is_kept_for_as_long_as_it_is_true(text: str, ttl: int, rcode: str, addresses: int) -> None:
    reply = said(text)
    assert (reply.ttl, reply.rcode, reply.addresses) == (ttl, rcode, addresses)


def test_a_reply_is_passed_on_with_the_time_that_is_left() -> None:
    reply = said(POSITIVE)._replace(ttl=12)
    response = answered(query("example.com."), Answer(follow="example.com."), reply)
    assert response.answer[0].ttl == 12
    assert not response.flags & dns.flags.AA


def test_an_alias_of_ours_is_completed_with_what_was_said_of_its_target() -> None:
    alias = Answer((Record(NAME, "CNAME", 30, "x.example.com."),), follow="x.example.com.")
    response = answered(query(), alias, said(DENIAL))
    assert dns.rcode.to_text(response.rcode()) == "NXDOMAIN"
    assert [rrset.rdtype for rrset in response.answer] == [dns.rdatatype.CNAME]
    assert response.authority[0].rdtype == dns.rdatatype.SOA


@pytest.mark.parametrize(("asks", "is_told"), [({"want_dnssec": True}, True), ({}, False)])
def test_authentic_data_is_told_to_who_asks_for_it(asks: dict[str, bool], is_told: bool) -> None:
    reply = said(POSITIVE)
    reply.message.flags |= dns.flags.AD
    response = answered(query("example.com.", **asks), Answer(follow="example.com."), reply)
    assert bool(response.flags & dns.flags.AD) == is_told


def test_other_servers_are_asked_for_what_the_client_asked_for() -> None:
    message = wire.question_for(Question("example.com.", "A"), Flags(True, True))
    assert message.ednsflags & dns.flags.DO
    assert dns.flags.to_text(message.flags) == "RD AD CD"
    assert not wire.question_for(Question("example.com.", "A"), Flags()).ednsflags


# What is not a question


def header(flags: int = 0x0100, questions: int = 1) -> bytes:
    return struct.pack("!HHHHHH", 4711, flags, questions, 0, 0, 0)


def rejected(data: bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0" * 11, id="less than a header"),
        pytest.param(dns.message.make_response(query()).to_wire(), id="an answer"),
        pytest.param(header(0x8000 | 0x7800) + b"junk", id="an answer that is junk"),
    ],
)
def test_what_may_be_an_answer_is_not_answered(data: bytes) -> None:
    assert rejected(data).reply == b""


@pytest.mark.parametrize(
    ("data", "rcode"),
    [
        pytest.param(header() + b"\x3fshort", Rcode.FORMERR, id="a name that ends early"),
        pytest.param(header() + b"\xc0\x0c\0\x01\0\x01", Rcode.FORMERR, id="a name that points to itself"),
        pytest.param(header(questions=0), Rcode.FORMERR, id="no question"),
        pytest.param(header(questions=2) + b"\x01a\0\0\x01\0\x01" * 2, Rcode.FORMERR, id="two questions"),
        pytest.param(query().to_wire() + b"junk", Rcode.FORMERR, id="something behind it"),
        pytest.param(header(0x2900) + b"\x01a\0\0\x06\0\x01", Rcode.NOTIMP, id="an update"),
        pytest.param(header(0x2000) + b"\x01a\0\0\x06\0\x01", Rcode.NOTIMP, id="a notification"),
    ],
)
def test_what_can_not_be_read_is_answered_by_a_header(data: bytes, rcode: Rcode) -> None:
    reply = rejected(data).reply
    assert reply[:2] == data[:2]
    assert len(reply) == 12
    assert dns.rcode.to_text(dns.message.from_wire(reply).rcode()) == rcode


@pytest.mark.parametrize(
    ("asked", "rcode"),
    [
        pytest.param(query("version.bind.", "TXT", rdclass="CH"), Rcode.REFUSED, id="another class"),
        pytest.param(query("cluster.local.", "AXFR"), Rcode.REFUSED, id="a transfer"),
        pytest.param(query("cluster.local.", "IXFR"), Rcode.REFUSED, id="a transfer of what is new"),
        pytest.param(query(use_edns=1), Rcode.BADVERS, id="EDNS of tomorrow"),
    ],
)
def test_what_is_read_and_refused_says_so(asked: dns.message.Message, rcode: Rcode) -> None:
    response = dns.message.from_wire(rejected(asked.to_wire()).reply)
    assert dns.rcode.to_text(response.rcode()) == rcode
    assert response.question == asked.question


def rejection(data: bytes) -> bytes:
    """Empty if the message is answered."""
    try:
        encode(decode(data), WEB)
    except Rejected as error:
        return error.reply
    return b""


def test_no_message_does_harm_and_none_is_rejected_by_more_than_it_has() -> None:
    rng = random.Random(0)
    good = query(options=[dns.edns.GenericOption(10, b"cookie!!")]).to_wire()
    for _ in range(5_000):
        data = bytearray(rng.randbytes(rng.randrange(80)) if rng.random() < 0.3 else good)
        for _ in range(rng.randrange(8)):
            data[rng.randrange(len(data)) if data else 0 : 0] = rng.randbytes(rng.randrange(2))
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        assert len(rejection(bytes(data))) <= max(len(data), 12) + 11  # an OPT record
