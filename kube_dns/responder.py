"""Bytes in, bytes out, for one protocol: reads questions, writes answers, and counts both.

An answer is kept under the very bytes of its question but the id, so that the next who asks in the same way
gets it for the price of a look into a map. It is forgotten when the zone changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from kube_dns import wire
from kube_dns.cache import Cache
from kube_dns.lookup import ADDRESS_TYPES
from kube_dns.metrics import PANICS, Account, account
from kube_dns.records import Rcode
from kube_dns.resolver import Resolved, Resolver

log = logging.getLogger(__name__)

READY_SIZE = 8192
LARGEST_KEPT = 512
ID_SIZE = 2
_MOST_ORDERS = 4
_ORDER_SECONDS = 1.0
"""How long a few orders of several addresses serve before others are drawn."""


@dataclass(slots=True)
class _Ready:
    """The answers to one message, without their ids. There are several where addresses have an order."""

    account: Account
    wanted: int
    bodies: list[bytes] = field(default_factory=list)
    turn: int = 0

    def next(self) -> bytes | None:
        """None: another one is wanted."""
        if len(self.bodies) < self.wanted:
            return None
        self.turn += 1
        return self.bodies[self.turn % self.wanted]


class Responder:
    def __init__(self, resolver: Resolver, protocol: str, server: str, clock: Callable[[], float]) -> None:
        """`server` is what metrics call us."""
        self._resolver = resolver
        self._protocol, self._server = protocol, server
        self._clock = clock
        self._ready: Cache[bytes, _Ready] = Cache(READY_SIZE)

    def forget(self) -> None:
        """The zone has changed."""
        self._ready.clear()

    def ready(self, data: bytes) -> bytes | None:
        """The answer, if it is there already."""
        start = self._clock()
        ready = self._ready.get(data[ID_SIZE:], start)
        body = ready.next() if ready is not None else None
        if ready is None or body is None:
            return None
        ready.account.add(len(data), len(body) + ID_SIZE, self._clock() - start)
        return data[:ID_SIZE] + body

    async def respond(self, data: bytes) -> bytes:
        """The answer; empty where there must be none. Nothing that a client sends makes this fail."""
        start = self._clock()
        try:
            booked, response = await self._answer(data)
        except wire.Rejected as rejected:
            booked, response = self._account("", rejected.rcode), rejected.reply
        except Exception:  # one question must not take the answers of all others away
            log.exception("Failed to answer: message=%s", data[:LARGEST_KEPT].hex())
            PANICS.inc()
            booked, response = self._account("", Rcode.SERVFAIL), wire.bare(data, Rcode.SERVFAIL)
        booked.add(len(data), len(response), self._clock() - start)
        return response

    async def _answer(self, data: bytes) -> tuple[Account, bytes]:
        query = wire.decode(data)
        resolved = await self._resolver.resolve(query.question, query.flags)
        limit = query.payload if self._protocol == "udp" else wire.NO_LIMIT
        response = wire.encode(query, resolved.answer, resolved.reply, limit=limit)
        rcode = resolved.reply.rcode if resolved.reply else resolved.answer.rcode
        booked = self._account(query.question.type, rcode, "forward" if resolved.reply else "kubernetes")
        self._keep(data, response, resolved, booked)
        return booked, response

    def _account(self, type: str, rcode: str, plugin: str = "") -> Account:
        return account(self._server, self._protocol, type, rcode, plugin)

    def _keep(self, data: bytes, response: bytes, resolved: Resolved, booked: Account) -> None:
        if resolved.seconds <= 0 or len(data) > LARGEST_KEPT:
            return
        now, key = self._clock(), data[ID_SIZE:]
        ready = self._ready.get(key, now)
        if ready is None:
            orders = min(_orders(resolved), _MOST_ORDERS)
            seconds = min(resolved.seconds, _ORDER_SECONDS) if orders > 1 else resolved.seconds
            ready = _Ready(booked, orders)
            self._ready.put(key, ready, now + seconds)
        ready.bodies.append(response[ID_SIZE:])


def _orders(resolved: Resolved) -> int:
    """In how many orders, at least, a client may see the addresses."""
    own = sum(each.type in ADDRESS_TYPES for each in resolved.answer.records)
    return max(1, own, resolved.reply.addresses if resolved.reply else 0)
