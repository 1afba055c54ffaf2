"""Changes as a watcher with selectors sees them, and as it is sent them: lines of JSON, or protobuf."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

import orjson

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.protobuf_encoder import encode
from apimachinery.protobuf_wire import delimited
from apimachinery.schema import definition_name
from apiserver.handlers.tables import TableWriter, include_object, partial_metadata
from apiserver.negotiation import MEDIA_TYPES
from apiserver.registry.codec import Codec
from apiserver.registry.listing import Seen, matches
from apiserver.registry.options import ListOptions
from apiserver.registry.store import Store
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry
from apiserver.storage.topic import ADDED, DELETED, MODIFIED, Change


class Selected(NamedTuple):
    """What a watcher is told."""

    type: str
    entry: Entry


def is_selected(entry: Entry, namespace: str, options: ListOptions, seen: Seen = Entry.selection) -> bool:
    return (not namespace or entry.namespace == namespace) and matches(entry, options, seen)


def select(
    change: Change, namespace: str, options: ListOptions, seen: Seen = Entry.selection
) -> Selected | None:
    """An object that comes into the selection is ADDED; one that leaves it is DELETED, as it was before."""
    if options.selects_all:
        if namespace and change.entry.namespace != namespace:
            return None
        return Selected(change.type, change.entry)
    after = change.type != DELETED and is_selected(change.entry, namespace, options, seen)
    before = change.previous is not None and is_selected(change.previous, namespace, options, seen)
    if after:
        return Selected(MODIFIED if before else ADDED, change.entry)
    if before and change.previous is not None:
        gone = change.entry if change.type == DELETED else change.previous.at(change.entry.revision)
        return Selected(DELETED, gone)
    return None


class EventWriter:
    """Lines of one watch, in the form that was negotiated."""

    content_type = b"application/json"

    def __init__(self, info: RequestInfo, store: Store) -> None:
        self._store = store
        self._wanted = wanted = info.wanted
        self._include = include_object(info) if wanted.form == "Table" else ""
        self._headless = False
        self.sent = store.shared.sent.of(store.resource)
        self._scope, self._began = info.scope, perf_counter()
        self.header = store.codec.header
        self.is_plain = wanted.form == "" and store.codec.is_identity
        """Whether a change's own line will do."""

    def note_listed(self) -> None:
        """The client has been sent all that was there when it came."""
        self.sent.listed(self._scope, perf_counter() - self._began)

    def lines(self, events: Iterable[Selected]) -> bytes:
        """Many events in one piece."""
        lines = [self._line(event.type, event.entry) for event in events]
        piece = b"".join(lines)
        if lines:
            self.sent.note(len(lines), len(piece))
        return piece

    def _line(self, kind: str, entry: Entry) -> bytes:
        if self._wanted.form:
            return self._encoded(kind, self._in_form(entry))
        return self._whole(kind, entry)

    def _whole(self, kind: str, entry: Entry) -> bytes:
        return b'{"type":"%b","object":%b%b}\n' % (kind.encode(), self.header, self._store.codec.body(entry))

    def _in_form(self, entry: Entry) -> Object:
        if self._wanted.form == "PartialObjectMetadata":
            return partial_metadata(entry.obj, self._wanted.version)
        metadata = {"resourceVersion": str(entry.revision)}
        return self._tables().table([entry], metadata, headless=self._is_headless())

    def _tables(self) -> TableWriter:
        store = self._store
        return TableWriter(
            store.strategy, store.codec, self._wanted.version, self._include, store.shared.now()
        )

    def _is_headless(self) -> bool:
        """From the second time on."""
        was, self._headless = self._headless, True
        return was

    @staticmethod
    def _encoded(kind: str, obj: Object) -> bytes:
        return orjson.dumps({"type": kind, "object": obj}) + b"\n"

    def bookmark(self, revision: int, *, initial_events_end: bool = False) -> bytes:
        """Tells that everything up to `revision` has been sent."""
        metadata: Object = {"resourceVersion": str(revision)}
        if initial_events_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        resource = self._store.resource
        obj: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        if self._wanted.form == "PartialObjectMetadata":
            obj = partial_metadata(obj, self._wanted.version)
        elif self._wanted.form == "Table":
            obj = self._tables().bookmark(obj, headless=self._is_headless())
        return self._encoded("BOOKMARK", obj)

    def error(self, error: StatusError) -> bytes:
        return self._encoded("ERROR", error.to_status())


class ProtobufEventWriter(EventWriter):
    """A WatchEvent without an envelope, with its length before it; the object in it has its envelope."""

    content_type = b"%b;stream=watch" % MEDIA_TYPES["protobuf"].encode()

    def __init__(self, info: RequestInfo, store: Store) -> None:
        super().__init__(info, store)
        self.is_plain = False

    def _whole(self, kind: str, entry: Entry) -> bytes:
        return _frame(self._store.codec, kind, entry)

    @staticmethod
    def _encoded(kind: str, obj: Object) -> bytes:
        return _framed(kind, encode(obj, definition_name))


@lru_cache(maxsize=1024)
def _frame(codec: Codec, kind: str, entry: Entry) -> bytes:
    """The same for all watchers, who ask for it about the same time."""
    return _framed(kind, codec.protobuf(entry))


def _framed(kind: str, obj: bytes) -> bytes:
    event = delimited(1, kind.encode()) + delimited(2, delimited(1, obj))
    return len(event).to_bytes(4, "big") + event


def event_writer(info: RequestInfo, store: Store) -> EventWriter:
    return (ProtobufEventWriter if info.wanted.media == "protobuf" else EventWriter)(info, store)
