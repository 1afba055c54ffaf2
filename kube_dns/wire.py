"""The wire format: bytes to questions, answers to bytes. Of dnspython only exchange.py knows something, too.

What comes in may be anything. It is answered with an error where that is safe, and with nothing where the
answer could be one to an answer: two servers must never talk to each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.message import Message
from dns.rdata import Rdata
from dns.rrset import RRset

from kube_dns.records import Answer, Question, Rcode, Record

HEADER_SIZE = 12
NO_LIMIT = 65535
OUR_PAYLOAD, SMALLEST_PAYLOAD = 1232, 512
"""Larger datagrams would be cut into fragments; whoever wants more asks over TCP."""

LONGEST_TTL, FAILURE_TTL = 30, 5
"""Seconds for which other servers' answers are kept, as in CoreDNS's stock configuration."""

_IS_RESPONSE, _OPCODE, _RECURSION_DESIRED = 0x80, 0x78, 0x01
_ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)
_TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)
_IN = dns.rdataclass.IN


class Rejected(Exception):
    """A message that isn't a question we answer. `reply` is what to send back, or nothing."""

    def __init__(self, rcode: Rcode, reply: bytes) -> None:
        super().__init__(rcode)
        self.rcode = rcode
        self.reply = reply


class Flags(NamedTuple):
    """What a client asks for besides the records."""

    dnssec_ok: bool = False
    checking_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it came."""

    question: Question
    flags: Flags
    message: Message

    @property
    def payload(self) -> int:
        """How large a datagram may be that answers it."""
        return min(max(self.message.payload, SMALLEST_PAYLOAD), OUR_PAYLOAD)


class Reply(NamedTuple):
    """What another server said, and for how many seconds it may be repeated."""

    message: Message
    ttl: int

    @property
    def rcode(self) -> str:
        return dns.rcode.to_text(self.message.rcode())

    @property
    def addresses(self) -> int:
        """How many addresses a client has to choose from."""
        return max((len(each) for each in self.message.answer if each.rdtype in _ADDRESSES), default=0)


# Questions in


def decode(data: bytes) -> Query:
    """Raises Rejected."""
    if len(data) < HEADER_SIZE or data[2] & _IS_RESPONSE:
        raise Rejected(Rcode.FORMERR, b"")
    if data[2] & _OPCODE:
        raise Rejected(Rcode.NOTIMP, bare(data, Rcode.NOTIMP))
    try:
        message = dns.message.from_wire(data)
    except (dns.exception.DNSException, ValueError):
        raise Rejected(Rcode.FORMERR, bare(data, Rcode.FORMERR)) from None
    if len(message.question) != 1:
        raise Rejected(Rcode.FORMERR, bare(data, Rcode.FORMERR))
    asked = message.question[0]
    if message.edns > 0:
        raise _rejected(message, Rcode.BADVERS)
    if asked.rdclass != _IN or asked.rdtype in _TRANSFERS:
        raise _rejected(message, Rcode.REFUSED)
    question = Question(asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype))
    flags = Flags(bool(message.ednsflags & dns.flags.DO), bool(message.flags & dns.flags.CD))
    return Query(question, flags, message)


def bare(data: bytes, rcode: Rcode) -> bytes:
    """An answer of a header alone, to a message of which nothing else can be trusted."""
    flags = _IS_RESPONSE | data[2] & (_OPCODE | _RECURSION_DESIRED)
    return data[:2] + bytes((flags, dns.rcode.from_text(rcode))) + bytes(8)


def _rejected(message: Message, rcode: Rcode) -> Rejected:
    response = dns.message.make_response(message, our_payload=OUR_PAYLOAD)
    response.set_rcode(dns.rcode.from_text(rcode))
    return Rejected(rcode, response.to_wire())


# Answers out


def encode(query: Query, answer: Answer, reply: Reply | None = None, *, limit: int = NO_LIMIT) -> bytes:
    """`reply` completes an answer that had to be followed.

    The addresses of a name come in a new order each time. What doesn't fit is left out, and the client told.
    """
    response = dns.message.make_response(query.message, recursion_available=True, our_payload=OUR_PAYLOAD)
    if query.flags.dnssec_ok:
        response.ednsflags |= dns.flags.DO
    if query.flags.checking_disabled:
        response.flags |= dns.flags.CD
    if not answer.follow:
        response.flags |= dns.flags.AA
    response.set_rcode(dns.rcode.from_text(answer.rcode))
    response.answer += _rrsets(answer.records)
    response.authority += _rrsets(answer.authority)
    response.additional += _rrsets(answer.additional)
    if reply is not None:
        _complete(response, query, reply)
    return response.to_wire(max_size=limit, prefer_truncation=True)


def _complete(response: Message, query: Query, reply: Reply) -> None:
    said = reply.message
    response.set_rcode(said.rcode())
    if said.flags & dns.flags.AD and (query.flags.dnssec_ok or query.message.flags & dns.flags.AD):
        response.flags |= dns.flags.AD
    response.answer += _with_ttl(said.answer, reply.ttl)
    response.authority += _with_ttl(said.authority, reply.ttl)
    response.additional += _with_ttl(said.additional, reply.ttl)


def _with_ttl(rrsets: Iterable[RRset], ttl: int) -> list[RRset]:
    return [dns.rrset.from_rdata_list(each.name, min(each.ttl, ttl), list(each)) for each in rrsets]


def _rrsets(records: Iterable[Record]) -> list[RRset]:
    """Records of one name and type are one set."""
    sets: dict[tuple[str, str], RRset] = {}
    for each in records:
        rrset = sets.get((each.name, each.type))
        if rrset is None:
            rdtype = dns.rdatatype.from_text(each.type)
            rrset = sets[each.name, each.type] = RRset(dns.name.from_text(each.name), _IN, rdtype)
        rrset.add(_rdata(each.type, each.data), each.ttl)
    return list(sets.values())


@lru_cache(maxsize=4096)
def _rdata(type: str, data: str) -> Rdata:
    """Immutable, and often the same: the zone's SOA is in every denial."""
    return dns.rdata.from_text(_IN, type, data)


# Questions to other servers


def question_for(question: Question, flags: Flags) -> Message:
    """The message that asks another server."""
    message = dns.message.make_query(
        question.name, question.type, use_edns=0, payload=OUR_PAYLOAD, want_dnssec=flags.dnssec_ok
    )
    message.flags |= dns.flags.AD
    if flags.checking_disabled:
        message.flags |= dns.flags.CD
    return message


def reply_of(message: Message) -> Reply:
    """An answer of another server, with the time it may be kept: of the shortest record, or of the denial."""
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Reply(message, FAILURE_TTL)
    try:
        assert isinstance(message, dns.message.QueryMessage)
        chain = message.resolve_chaining()
    except dns.exception.DNSException:
        return Reply(message, 0)
    is_bounded = chain.answer or any(each.rdtype == dns.rdatatype.SOA for each in message.authority)
    return Reply(message, min(chain.minimum_ttl, LONGEST_TTL if is_bounded else FAILURE_TTL))
