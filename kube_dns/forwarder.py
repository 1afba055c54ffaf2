"""Questions about the world outside: asked of the host's resolvers once for all who want to know, and kept.

Sharing what is in flight is also what ends a loop of forwarding: our own question, coming back, only waits
for itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from kube_dns import metrics
from kube_dns.cache import Cache
from kube_dns.exchange import ExchangeError, Server
from kube_dns.records import Question, Rcode
from kube_dns.upstreams import Upstreams
from kube_dns.wire import FAILURE_TTL, Flags, Reply

log = logging.getLogger(__name__)

Exchange = Callable[[Server, Question, Flags, float], Awaitable[Reply]]

MAX_CONCURRENT = 1000
CACHE_SIZE = 10_000
EXCHANGE_SECONDS, PATIENCE = 2.0, 4.0
"""Clients ask again after five seconds; by then they should know."""
ROUNDS = 2
_ASK_ANOTHER = frozenset((Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP))

Key = tuple[Question, Flags]


class TooManyQuestions(Exception):
    """As many are being asked as may be."""


class _Kept(NamedTuple):
    reply: Reply | None
    until: float


class Forwarder:
    def __init__(self, upstreams: Upstreams, exchange: Exchange, clock: Callable[[], float]) -> None:
        self._upstreams = upstreams
        self._exchange = exchange
        self._clock = clock
        self._cache: Cache[Key, _Kept] = Cache(CACHE_SIZE)
        self._asking: dict[Key, asyncio.Task[_Kept]] = {}

    async def ask(self, question: Question, flags: Flags) -> Reply | None:
        """None: nobody could tell. Raises TooManyQuestions."""
        key = (question, flags)
        metrics.CACHE_REQUESTS.inc()
        kept = self._cache.get(key, self._clock())
        if kept is None:
            kept = await self._share(key)
        else:
            metrics.cache_hit(denied=kept.reply is None or not kept.reply.message.answer)
        if kept.reply is None:
            return None
        return kept.reply._replace(ttl=max(0, math.ceil(kept.until - self._clock())))

    async def aclose(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _share(self, key: Key) -> _Kept:
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= MAX_CONCURRENT:
                metrics.FORWARD_REJECTS.inc()
                raise TooManyQuestions
            task = self._asking[key] = asyncio.create_task(self._resolve(key))
            task.add_done_callback(lambda _: self._asking.pop(key))
        return await asyncio.shield(task)  # others wait for it, too

    async def _resolve(self, key: Key) -> _Kept:
        reply = await self._ask_around(*key)
        kept = _Kept(reply, self._clock() + (FAILURE_TTL if reply is None else reply.ttl))
        self._cache.put(key, kept, kept.until)
        metrics.CACHE_ENTRIES.set(len(self._cache))
        return kept

    async def _ask_around(self, question: Question, flags: Flags) -> Reply | None:
        """The first good answer; a bad one if all are."""
        reply: Reply | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                for _ in range(ROUNDS):
                    for server in self._upstreams.in_order():
                        reply = await self._ask_one(server, question, flags) or reply
                        if reply is not None and reply.rcode not in _ASK_ANOTHER:
                            return reply
                    if reply is not None:
                        return reply
        except TimeoutError:
            log.debug("Nobody answered in time: name=%s type=%s", *question)
        return reply

    async def _ask_one(self, server: Server, question: Question, flags: Flags) -> Reply | None:
        start = self._clock()
        try:
            reply = await self._exchange(server, question, flags, EXCHANGE_SECONDS)
        except ExchangeError as error:
            log.debug("Resolver failed: name=%s type=%s err=%s", *question, error)
            metrics.forwarded(server, Rcode.SERVFAIL, self._clock() - start)
            self._upstreams.failed(server)
            return None
        metrics.forwarded(server, reply.rcode, self._clock() - start)
        self._upstreams.answered(server)
        return reply
