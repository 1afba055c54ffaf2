"""From a question to a complete answer: the zone's, another server's, or one that only begins in the zone."""

from __future__ import annotations

import math
from typing import NamedTuple

from kube_dns.forwarder import Forwarder, TooManyQuestions
from kube_dns.lookup import look_up
from kube_dns.loop import LoopGuard
from kube_dns.records import Answer, Question, Rcode
from kube_dns.wire import Flags, Reply
from kube_dns.zone import Zone

FOREVER = math.inf
_FOLLOWED_SECONDS = 1.0
"""After that a kept answer has to be told with a smaller TTL."""


class Resolved(NamedTuple):
    """An answer, and the seconds for which it stays the same unless the zone changes."""

    answer: Answer
    reply: Reply | None = None
    seconds: float = 0.0


class Resolver:
    def __init__(self, zone: Zone, forwarder: Forwarder, loop_guard: LoopGuard) -> None:
        self._zone = zone
        self._forwarder = forwarder
        self._loop_guard = loop_guard

    async def resolve(self, question: Question, flags: Flags) -> Resolved:
        if self._loop_guard.is_probe(question):
            return Resolved(Answer(rcode=Rcode.REFUSED))
        answer = look_up(self._zone, question)
        if not answer.follow:
            return Resolved(answer, seconds=FOREVER if self._zone.is_synced else 0.0)
        try:
            reply = await self._forwarder.ask(Question(answer.follow, question.type), flags)
        except TooManyQuestions:
            return Resolved(Answer(rcode=Rcode.REFUSED))
        if reply is None:
            return Resolved(Answer(rcode=Rcode.SERVFAIL))
        return Resolved(answer, reply, min(_FOLLOWED_SECONDS, reply.ttl))
