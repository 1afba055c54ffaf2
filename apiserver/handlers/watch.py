"""GET that follows a collection: what is there, then every change, until time is up or the client has gone.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from math import inf

from apimachinery.errors import ExpiredError
from apiserver.asgi import Receive, Send
from apiserver.handlers.list import read_options
from apiserver.handlers.negotiation import Negotiated, negotiate
from apiserver.handlers.watch_events import EventWriter, Selected, is_selected, select
from apiserver.registry.listing import parse_revision
from apiserver.registry.options import ListOptions
from apiserver.registry.store import Store
from apiserver.request import RequestInfo
from apiserver.storage.topic import ADDED, Change, Lagging, Reader

MIN_REQUEST_TIMEOUT = 1800.0
_BOOKMARK_SECONDS = 60.0
_LAST_BOOKMARK_SECONDS = 2.0
_BATCH = 256


async def watch(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    wanted = _negotiate(info)
    options = read_options(info, store, watch=True)
    if info.name:
        options = options.for_name(info.name)
    stream = Stream(info, store, options, wanted)
    await stream.prepare()
    await send(_head(wanted))
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    leaving = asyncio.create_task(_leave(receive, stream))
    try:
        with suppress(Lagging):  # too slow, or there is a gap: the client is to list again
            async for piece in stream.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        leaving.cancel()
    await send({"type": "http.response.body", "body": b""})


def _negotiate(info: RequestInfo) -> Negotiated:
    """Events carry single objects, but clients also ask for lists in the form of the list they follow."""
    accept = info.headers.get("accept", "").replace("PartialObjectMetadataList", "PartialObjectMetadata")
    return negotiate(accept, of_list=False)


def _head(wanted: Negotiated) -> dict[str, object]:
    headers = [(b"cache-control", b"no-cache, private"), (b"content-type", b"application/json")]
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _leave(receive: Receive, stream: Stream) -> None:
    """Notices that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()


class Stream:
    """One watch."""

    def __init__(self, info: RequestInfo, store: Store, options: ListOptions, wanted: Negotiated) -> None:
        self._store = store
        self._options = options
        self._namespace = store.namespace_of(info)
        self._writer = EventWriter(info, store, wanted)
        self._reader: Reader | None = None
        self._ended = False
        self._sent = 0

    async def prepare(self) -> None:
        """Whatever may fail before the answer begins. Raises TimeoutStatusError."""
        version = self._options.resource_version
        if self._from_now:
            await self._store.lister.be_current(version)
        else:
            parse_revision(version)

    @property
    def _from_now(self) -> bool:
        """Whether what is there comes first: asked for, or because no revision is given to start from."""
        options = self._options
        if options.send_initial_events is None:
            return options.resource_version in ("", "0")
        return True

    def end(self) -> None:
        self._ended = True
        if self._reader is not None:
            self._reader.wake()

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is to be sent, many events in a piece. Raises Lagging."""
        field = self._options.fields.exact("spec.nodeName")
        scope = None if field is None else ("spec.nodeName", field)
        with self._store.cache.subscribe(self._namespace, scope) as topic:
            self._reader = Reader(topic, topic.end)
            try:
                start = self._start()
            except ExpiredError as error:
                yield self._writer.error(error)
                return
            for piece in self._pieces(start):
                yield piece
            if self._options.send_initial_events and self._options.bookmarks:
                yield self._writer.bookmark(self._sent, initial_events_end=True)
            async for piece in self._follow(self._reader):
                yield piece

    def _start(self) -> Iterator[Selected]:
        """Everything up to this moment; no await, so that the reader goes on exactly from here."""
        options, cache, namespace = self._options, self._store.cache, self._namespace
        if not self._from_now:
            return self._since(parse_revision(options.resource_version))
        self._sent = self._store.shared.cache.revision
        if options.send_initial_events is False:
            return iter(())
        entries = cache.entries(namespace or None)
        return iter([Selected(ADDED, each) for each in entries if is_selected(each, namespace, options)])

    def _since(self, revision: int) -> Iterator[Selected]:
        """What happened after a revision, as far as it is remembered. Raises ExpiredError."""
        changes = self._store.cache.changes
        if revision < changes.floor:
            raise ExpiredError(f"too old resource version: {revision} ({changes.floor})")
        self._sent = revision
        position = changes.after(revision)
        return self._selected(changes.take(position, changes.end - position))

    def _selected(self, changes: Iterable[Change]) -> Iterator[Selected]:
        """Changes up to the revision that the client has said to know are none to it."""
        for change in changes:
            if change.revision > self._sent:
                selected = select(change, self._namespace, self._options)
                if selected is not None:
                    yield selected

    def _pieces(self, events: Iterator[Selected]) -> Iterator[bytes]:
        while batch := list(islice(events, _BATCH)):
            yield self._writer.lines(batch)

    async def _follow(self, reader: Reader) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._lifetime()
        bookmark_at = self._next_bookmark(loop.time(), end)
        while not self._ended and loop.time() < end:
            changes = reader.take(_BATCH)
            if changes:
                for piece in self._pieces(self._selected(changes)):
                    yield piece
            elif loop.time() >= bookmark_at:
                yield self._writer.bookmark(self._store.shared.cache.revision)
                bookmark_at = self._next_bookmark(loop.time(), end)
            else:
                await reader.wait(min(end, bookmark_at))

    def _lifetime(self) -> float:
        seconds = self._options.timeout_seconds
        return float(seconds) if seconds else MIN_REQUEST_TIMEOUT * (1 + random.random())

    def _next_bookmark(self, now: float, end: float) -> float:
        """About once a minute, and shortly before the end, so that the client can go on from there."""
        if not self._options.bookmarks:
            return inf
        last = end - _LAST_BOOKMARK_SECONDS
        return min(now + _BOOKMARK_SECONDS, last) if last > now else inf
