"""Which Events are news: equal ones count up, floods of similar ones are combined, floods of any are dropped.

Decides only; `events` sends. Numbers are upstream's.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from apimachinery.objects import Object, name_of
from component_base.token_bucket import TokenBucket

CACHE_SIZE = 4096
MAX_SIMILAR, SIMILAR_SECONDS = 10, 600.0
SPAM_QPS, SPAM_BURST = 1 / 300, 25

_COMBINED = "(combined from similar events): "

V = TypeVar("V")
Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """An Event that was sent before."""

    name: str
    count: int
    first: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Send this: as news, or (if known) as one more of an Event that is there."""

    event: Object
    known: Known | None
    key: Key


@dataclass(slots=True)
class _Similar:
    last: float
    messages: set[str] = field(default_factory=set)


class _Recent(Generic[V]):
    """A map that forgets what was used least recently."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, V] = OrderedDict()

    def get(self, key: Key) -> V | None:
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def set(self, key: Key, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


class Correlator:
    """Remembers what was sent lately."""

    def __init__(self) -> None:
        self._known: _Recent[Known] = _Recent(CACHE_SIZE)
        self._similar: _Recent[_Similar] = _Recent(CACHE_SIZE)
        self._buckets: _Recent[TokenBucket] = _Recent(CACHE_SIZE)

    def correlate(self, event: Object) -> Verdict | None:
        """What to send, or None if the object has caused too many Events of this type.

        What is dropped is counted: an Event that is sent again later tells of it.
        """
        source, involved = _source_key(event), _involved_key(event)
        same: Key = (*source, *involved, event["type"], event["reason"])
        key: Key = (*same, event["involvedObject"].get("fieldPath"), event["message"])
        if self._is_flood(same, event["message"]):
            event = {**event, "message": _COMBINED + event["message"], "reportingComponent": ""}
            key = same
        known = self._known.get(key)
        if known is not None:
            event = {**event, "count": known.count + 1, "firstTimestamp": known.first}
        if not self._bucket((*source, *involved, event["type"])).try_take():
            self._known.set(key, _known(event, known.name if known else name_of(event)))
            return None
        return Verdict(event, known, key)

    def sent(self, verdict: Verdict, answer: Object) -> None:
        """The server has it."""
        self._known.set(verdict.key, _known(verdict.event, name_of(answer)))

    def _is_flood(self, same: Key, message: str) -> bool:
        now = asyncio.get_running_loop().time()
        similar = self._similar.get(same)
        if similar is None or now - similar.last > SIMILAR_SECONDS:
            similar = _Similar(now)
            self._similar.set(same, similar)
        similar.last = now
        if len(similar.messages) + 1 < MAX_SIMILAR:
            similar.messages.add(message)
            return False
        return message not in similar.messages

    def _bucket(self, key: Key) -> TokenBucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = TokenBucket(SPAM_QPS, SPAM_BURST)
            self._buckets.set(key, bucket)
        return bucket


def _known(event: Object, name: str) -> Known:
    return Known(name, event["count"], event["firstTimestamp"])


def _source_key(event: Object) -> Key:
    source = event["source"]
    return (source.get("component"), source.get("host"))


def _involved_key(event: Object) -> Key:
    involved = event["involvedObject"]
    fields = ("kind", "namespace", "name", "uid", "apiVersion")
    return tuple(involved.get(name) for name in fields)
