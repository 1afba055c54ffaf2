"""One resource's objects in memory, in key order, and what happened to them lately."""

from __future__ import annotations

import logging
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from apimachinery.fields import FieldSelector
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.storage.counts import Counts
from apiserver.storage.entry import Entry, Kind, check_plain, undecodable
from apiserver.storage.interface import Event, KeyValue, StorageError, UndecodableValue, UnreadableValue
from apiserver.storage.topic import ADDED, DELETED, MODIFIED, Change, Topic

log = logging.getLogger(__name__)

_INDEXED_FIELDS = {"pods": "spec.nodeName"}
"""The field by which a resource's watchers are told apart: one node's kubelet wants one node's pods."""
_MAX_SCOPED_CHANGES = 1000
NAMESPACE, NAME = "metadata.namespace", "metadata.name"


def no_fields(obj: Object) -> Mapping[str, str]:
    return {}


class ResourceCache:
    """All methods are plain: nothing happens between looking and changing."""

    def __init__(self, resource: Resource, revision: int = 0, kind: Kind | None = None) -> None:
        self.resource = resource
        self.kind = kind or Kind(resource.api_version, resource.kind, no_fields)
        self.prefix = resource.storage_prefix
        self.revision = revision
        """That of the last change to this resource, or of the load."""
        self.changes = Topic(revision)
        self.size = 0
        """Bytes of all objects."""
        self.counts = Counts()
        self._keys: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._indexed_field = _INDEXED_FIELDS.get(resource.group_resource)
        self._by_field: dict[str, dict[str, Entry]] = {}
        self._scoped: dict[tuple[str, str], Topic] = {}
        self.unreadable: dict[str, StorageError] = {}
        """Keys whose values are no API objects, with the reason: reads must not pass over them."""

    def __repr__(self) -> str:
        return f"<ResourceCache {self.resource.group_resource} {len(self._keys)}@{self.revision}>"

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, namespace: str, name: str) -> Entry | None:
        key = f"{self.prefix}{namespace}/{name}" if self.resource.namespaced else self.prefix + name
        return self._entries.get(key)

    def by_key(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def entries(self, namespace: str | None = None, start_after: str | None = None) -> list[Entry]:
        """In key order; of one namespace, or after a key, if said so."""
        keys, entries = self._keys, self._entries
        prefix = f"{self.prefix}{namespace}/" if namespace and self.resource.namespaced else self.prefix
        start = bisect_left(keys, prefix) if start_after is None else bisect_left(keys, f"{start_after}\0")
        end = bisect_left(keys, prefix[:-1] + "0") if prefix != self.prefix else len(keys)
        return [entries[key] for key in keys[start:end]]

    def entries_with(self, field: str, value: str) -> list[Entry] | None:
        """Those whose indexed field has a value, in key order; None if there is no such index."""
        if field != self._indexed_field:
            return None
        found = self._by_field.get(value, {})
        return [found[key] for key in sorted(found)]

    def load(self, entries: Iterable[Entry], revision: int) -> None:
        """Replaces everything; what happened in between is unknown, so every watcher lags."""
        self._entries = {entry.key: entry for entry in entries}
        self._keys = sorted(self._entries)
        self._by_field = {}
        self.size = 0
        for entry in self._entries.values():
            self.size += len(entry.body)
            self._index(None, entry)
        self.counts.loads += 1
        self.counts.loaded += len(self._keys)
        self.revision = revision
        for topic in (self.changes, *self._scoped.values()):
            topic.reset(revision)

    def check_object(self, key: str) -> None:
        """Raises UnreadableValue or UndecodableValue if there is an object that cannot be shown."""
        if problem := self.unreadable.get(key):
            raise problem.with_traceback(None)

    def check_readable(self, prefix: str) -> None:
        """As `check_object`, of all objects under a prefix."""
        for key, problem in self.unreadable.items():
            if key.startswith(prefix):
                if isinstance(problem, UnreadableValue):
                    raise UnreadableValue(f'unable to transform key "{key}": {problem}')
                raise problem.with_traceback(None)

    def entry_if_readable(self, item: KeyValue) -> Entry | None:
        """As `entry_of`; None if it cannot be decoded, and reads are told."""
        try:
            entry = self.entry_of(item)
        except (UnreadableValue, UndecodableValue) as error:
            log.error("Failed to decode an object: key=%s err=%s", item.key, error)
            self.unreadable[item.key] = error
            self.counts.undecodable += 1
            return None
        if self.unreadable:
            self.unreadable.pop(item.key, None)
        return entry

    def entry_of(self, item: KeyValue) -> Entry:
        """What is stored as an entry. Raises UnreadableValue, UndecodableValue."""
        namespace, _, name = item.key[len(self.prefix) :].rpartition("/")
        kind = self.kind.of(item.value)
        try:
            check_plain(item)
            body = kind.body(item.value, item.revision)
        except ValueError as error:
            raise undecodable(error) from None
        return Entry(kind, item.key, namespace, name, item.revision, body)

    def apply(self, event: Event) -> None:
        """One change from the store."""
        previous = self._entries.get(event.key)
        self.revision = event.revision
        if event.value is None:
            self.unreadable.pop(event.key, None)
            entry = None
        else:
            item = KeyValue(event.key, event.value, event.revision, problem=event.problem)
            entry = self.entry_if_readable(item)
        if entry is None:
            if previous is not None:
                self._remove(previous, event.revision)
            return
        if previous is None:
            insort(self._keys, event.key)
        else:
            self.size -= len(previous.body)
        self.size += len(entry.body)
        self._entries[event.key] = entry
        self._index(previous, entry)
        self._publish(Change(MODIFIED if previous else ADDED, entry, previous))

    def _remove(self, previous: Entry, revision: int) -> None:
        self.size -= len(previous.body)
        del self._entries[previous.key]
        del self._keys[bisect_left(self._keys, previous.key)]
        self._index(previous, None)
        self._publish(Change(DELETED, previous.at(revision), previous))

    def _index(self, previous: Entry | None, entry: Entry | None) -> None:
        if self._indexed_field is None:
            return
        if previous is not None:
            holder = self._by_field.get(self._field(previous))
            if holder is not None:
                holder.pop(previous.key, None)
                if not holder:
                    del self._by_field[self._field(previous)]
        if entry is not None:
            self._by_field.setdefault(self._field(entry), {})[entry.key] = entry

    def _field(self, entry: Entry) -> str:
        return entry.selection()[1].get(self._indexed_field or "", "")

    def _publish(self, change: Change) -> None:
        self.changes.publish(change)
        if self._scoped:
            for scope in self._scopes_of(change):
                topic = self._scoped.get(scope)
                if topic is not None:
                    topic.publish(change)

    def _scopes_of(self, change: Change) -> set[tuple[str, str]]:
        namespace, name = change.entry.namespace, change.entry.name
        scopes = {(NAMESPACE, namespace), (NAME, f"{namespace}/{name}")}
        if self._indexed_field:
            entries = (change.entry, change.previous) if change.previous else (change.entry,)
            scopes |= {(self._indexed_field, self._field(each)) for each in entries}
        return scopes

    def _scope(self, namespace: str, fields: FieldSelector) -> tuple[str, str] | None:
        """The narrowest scope that holds everything a selector may select; None: the whole resource."""
        name = fields.exact(NAME)
        if name is not None and (namespace or not self.resource.namespaced):
            return (NAME, f"{namespace}/{name}")
        if self._indexed_field and (value := fields.exact(self._indexed_field)) is not None:
            return (self._indexed_field, value)
        return (NAMESPACE, namespace) if namespace and self.resource.namespaced else None

    @contextmanager
    def subscribe(self, namespace: str, fields: FieldSelector) -> Iterator[Topic]:
        """A topic that has every change of a namespace (or all) that a field selector may select.

        A watcher of a little is not woken for the rest. Such a topic lives as long as somebody reads it.
        """
        scope = self._scope(namespace, fields)
        if scope is None:
            topic = self.changes
        elif scope in self._scoped:
            topic = self._scoped[scope]
        else:
            topic = self._scoped[scope] = Topic(self.revision, _MAX_SCOPED_CHANGES)
        topic.readers += 1
        try:
            yield topic
        finally:
            topic.readers -= 1
            if scope is not None and not topic.readers:
                del self._scoped[scope]

    def watchers_of(self, namespace: str, name: str) -> int:
        """How many are told of a change to an object, but for those who watch one value of a field."""
        where = namespace if self.resource.namespaced else ""
        scopes = ((NAMESPACE, where), (NAME, f"{where}/{name}"))
        return self.changes.readers + sum(
            self._scoped[each].readers for each in scopes if each in self._scoped
        )
