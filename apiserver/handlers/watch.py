"""GET that follows a collection: what is there, then every change, until time is up or the client has gone.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from math import inf

from apimachinery.errors import BadRequestError, ExpiredError, StatusError
from apiserver.asgi import BODY_STREAM, BodyStream, Receive, Send
from apiserver.handlers.answers import Headers
from apiserver.handlers.list import read_options
from apiserver.handlers.watch_events import EventWriter, Selected, event_writer, is_selected, select
from apiserver.registry.listing import parse_revision
from apiserver.registry.options import ListOptions
from apiserver.registry.store import Store
from apiserver.request import RequestInfo
from apiserver.storage.topic import ADDED, Change, Lagging, Reader, TooSlow
from apiserver.warning_headers import warning_headers

_BOOKMARK_SECONDS = 60.0
_LAST_BOOKMARK_SECONDS = 2.0
_BATCH = 256


async def watch(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    options = read_options(info, store, watch=True)
    if info.names_object:
        options = _of_one(options, info.name)
    writer, stream = event_writer(info, store), info.extensions.get(BODY_STREAM)
    watcher = Watcher(store, store.namespace_of(info), options, writer, stream)
    await watcher.prepare()
    await send({"type": "http.response.start", "status": 200, "headers": _headers(info, writer)})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    leaving = asyncio.create_task(_leave(receive, watcher))
    try:
        await watcher.run(send)
    except Lagging as error:  # too slow, or there is a gap: the client is to list again
        store.cache.counts.slow_watchers += isinstance(error, TooSlow)
    except StatusError as error:  # objects that cannot be shown in the version that is spoken
        await _send(send, writer.error(error))
    finally:
        leaving.cancel()
    await send({"type": "http.response.body", "body": b""})


def _of_one(options: ListOptions, name: str) -> ListOptions:
    """Of the object that the path names. Raises BadRequestError where the selector has another in mind."""
    if options.fields.is_empty:
        return options.for_name(name)
    if options.fields.exact("metadata.name") != name:
        raise BadRequestError("fieldSelector metadata.name doesn't match requested name")
    return options


def _headers(info: RequestInfo, writer: EventWriter) -> Headers:
    headers = [(b"cache-control", b"no-cache, private"), (b"content-type", writer.content_type)]
    return headers + warning_headers(info.warnings)


async def _leave(receive: Receive, watcher: Watcher) -> None:
    """Notices that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.end()


class Watcher:
    """One watch of one client."""

    def __init__(
        self,
        store: Store,
        namespace: str,
        options: ListOptions,
        writer: EventWriter,
        stream: BodyStream | None = None,
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._options = options
        self._writer = writer
        self._stream = stream
        self._sends_all = writer.is_plain and options.selects_all
        """Whether every change's own line is what the client gets."""
        self._reader: Reader | None = None
        self._ended = False
        self._known = 0
        """The revision up to which the client has said, or been told, what there is."""

    async def prepare(self) -> None:
        """Whatever may fail before the answer begins. Raises StatusError."""
        parse_revision(self._options.resource_version or "0")
        if not self._options.resource_version:
            await self._store.lister.be_current("")

    @property
    def _begins_now(self) -> bool:
        """Whether the state of this moment is what the client goes on from, told of it or not."""
        return bool(self._options.send_initial_events) or self._options.resource_version in ("", "0")

    def end(self) -> None:
        self._ended = True
        if self._reader is not None:
            self._reader.wake()

    async def run(self, send: Send) -> None:
        """Sends until time is up or the client has gone. Raises Lagging."""
        with self._store.cache.subscribe(self._namespace, self._options.fields) as topic:
            self._reader = reader = Reader(topic, topic.end)
            try:
                await self._begin(send)
                await self._follow(send, reader)
            finally:
                reader.clear_alarm()

    async def _begin(self, send: Send) -> None:
        events = await (self._state() if self._begins_now else self._history())
        while batch := list(islice(events, _BATCH)):
            await self._store.codec.prepare(event.entry for event in batch)
            await _send(send, self._writer.lines(batch))
        if self._options.send_initial_events and self._options.bookmarks:
            await _send(send, self._writer.bookmark(self._known, initial_events_end=True))
            self._writer.note_listed()

    async def _state(self) -> Iterator[Selected]:
        """What there is at this moment; the reader goes on exactly from here. Raises TimeoutStatusError."""
        await self._store.lister.be_current(self._options.resource_version or "0")
        self._known = self._store.shared.cache.revision
        if self._options.send_initial_events is False:
            return iter(())
        entries = self._store.cache.entries(self._namespace or None)
        if self._selects_converted:
            await self._store.codec.prepare(entries)
        seen = self._store.codec.selection
        selected = [each for each in entries if is_selected(each, self._namespace, self._options, seen)]
        return (Selected(ADDED, entry) for entry in selected)

    async def _history(self) -> Iterator[Selected]:
        """What happened after the client's revision, as far as that is remembered. Raises ExpiredError."""
        changes = self._store.cache.changes
        self._known = parse_revision(self._options.resource_version)
        if self._known < changes.floor:
            raise ExpiredError(f"too old resource version: {self._known} ({changes.floor})")
        position = changes.after(self._known)
        taken = changes.take(position, changes.end - position)
        await self._prepare_selection(taken)
        return self._selected(taken)

    def _selected(self, changes: Iterable[Change]) -> Iterator[Selected]:
        for change in changes:
            if change.revision > self._known:
                selected = select(change, self._namespace, self._options, self._store.codec.selection)
                if selected is not None:
                    yield selected

    async def _follow(self, send: Send, reader: Reader) -> None:
        """Bookmarks come when nothing else does: all up to the cache's revision has been sent then."""
        loop = asyncio.get_running_loop()
        prompt = self._store.codec.is_prompt
        push = partial(self._push, reader, self._stream) if self._stream and prompt else None
        end = loop.time() + self._lifetime()
        bookmark_at = self._next_bookmark(loop.time(), end)
        reader.set_alarm(min(end, bookmark_at))
        while not self._ended and (now := loop.time()) < end:
            if changes := reader.take(_BATCH):
                if piece := self._piece(changes) if prompt else await self._converted(changes):
                    await _send(send, piece)
            elif now >= bookmark_at:
                await _send(send, self._writer.bookmark(self._store.shared.cache.revision))
                bookmark_at = self._next_bookmark(now, end)
                reader.set_alarm(min(end, bookmark_at))
            else:
                await reader.wait(push)

    def _push(self, reader: Reader, stream: BodyStream) -> bool:
        """What is new goes straight to a client that keeps up: most watches most of the time need no task."""
        if not stream.is_ready:
            return False
        if piece := self._piece(reader.take(_BATCH)):
            stream.write(piece)
        return reader.is_at_end

    def _piece(self, changes: list[Change]) -> bytes:
        """Changes as lines; without selectors every watcher sends the very same bytes."""
        if not self._sends_all or changes[0].revision <= self._known:
            return self._writer.lines(self._selected(changes))
        header, count = self._writer.header, len(changes)
        piece = changes[0].line(header) if count == 1 else b"".join([each.line(header) for each in changes])
        self._writer.sent.note(count, len(piece))
        return piece

    async def _converted(self, changes: list[Change]) -> bytes:
        """Changes as lines, where somebody else must be asked what they look like."""
        await self._prepare_selection(changes)
        events = [*self._selected(changes)]
        await self._store.codec.prepare(event.entry for event in events)
        return self._writer.lines(events)

    @property
    def _selects_converted(self) -> bool:
        """Whether what is selected by must be asked for first."""
        return not (self._store.codec.is_prompt or self._options.selects_all)

    async def _prepare_selection(self, changes: Iterable[Change]) -> None:
        if self._selects_converted:
            entries = (entry for change in changes for entry in (change.entry, change.previous))
            await self._store.codec.prepare([each for each in entries if each is not None])

    def _lifetime(self) -> float:
        seconds = self._options.timeout_seconds
        return float(seconds) if seconds else self._store.shared.watch_seconds * (1 + random.random())

    def _next_bookmark(self, now: float, end: float) -> float:
        """About once a minute, and shortly before the end, so that the client can go on from there."""
        if not self._options.bookmarks:
            return inf
        last = end - _LAST_BOOKMARK_SECONDS
        return min(now + _BOOKMARK_SECONDS, last) if last > now else inf


async def _send(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})
