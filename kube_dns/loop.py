"""Finds resolvers that lead back to us: each is asked for a name that nobody else could ask about."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from kube_dns.exchange import ExchangeError, Server
from kube_dns.forwarder import EXCHANGE_SECONDS, Exchange
from kube_dns.records import Question
from kube_dns.upstreams import Upstreams
from kube_dns.wire import Flags

PROBE_TYPE = "HINFO"
_BITS = 62


class LoopGuard:
    def __init__(self, upstreams: Upstreams, exchange: Exchange, rng: random.Random) -> None:
        self._upstreams = upstreams
        self._exchange = exchange
        self._random = rng
        self._probes: dict[Question, Server] = {}

    async def probe(self) -> None:
        """Asks every resolver; what comes of it shows in `is_probe`."""
        self._probes = {self._question(): server for server in self._upstreams.servers}
        async with asyncio.TaskGroup() as group:
            for question, server in self._probes.items():
                group.create_task(self._ask(server, question))

    async def _ask(self, server: Server, question: Question) -> None:
        with suppress(ExchangeError):
            await self._exchange(server, question, Flags(), EXCHANGE_SECONDS)

    def is_probe(self, question: Question) -> bool:
        """Whether a question that somebody asks us is one of ours; its resolver is asked no more."""
        server = self._probes.get(question)
        if server is None:
            return False
        self._upstreams.loops(server)
        return True

    def _question(self) -> Question:
        first, second = self._random.getrandbits(_BITS), self._random.getrandbits(_BITS)
        return Question(f"{first}.{second}.", PROBE_TYPE)
