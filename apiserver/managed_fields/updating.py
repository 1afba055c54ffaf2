"""Who owns what after a write that changed an object: whoever changed a field has it now, and nobody else.

Source: merge/update.go of structured-merge-diff, managedfieldsupdater.go and stripmeta.go of apimachinery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import orjson

from apimachinery.merge.comparison import Comparison, compare
from apimachinery.merge.fields import Fields, are_disjoint, difference, intersection, path_set, union
from apimachinery.merge.reconciling import reconcile
from apimachinery.merge.shape import Shape
from apimachinery.objects import Object
from apiserver.managed_fields.book import Book, Identity, capped, new_entry, with_fields
from apiserver.managed_fields.versions import Versions

NOBODYS = path_set(
    ("f:apiVersion",), ("f:kind",), ("f:metadata",),
    *(("f:metadata", f"f:{name}") for name in (
        "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
        "managedFields", "resourceVersion",
    )),
)  # fmt: skip
"""What is never owned: identity, and what the server sets."""

Filter = Callable[[Fields], Fields]


def all_fields(fields: Fields) -> Fields:
    return fields


@dataclass(frozen=True, slots=True)
class Door:
    """The way by which writes come: an API version of a resource, or of one of its subresources."""

    api_version: str
    versions: Versions
    subresource: str = ""
    kept: Filter = all_fields
    """Leaves out of a set what a write through this door cannot change."""

    def identity(self, manager: str, operation: str) -> Identity:
        version = self.api_version if operation == "Update" else ""
        return Identity(manager or "unknown", operation, version, self.subresource)

    def comparison(self, old: Object, new: Object) -> Comparison:
        """Both objects in the version of the door. Raises ShapeError."""
        return self.filtered(compare(old, new, self.versions.shape(self.api_version)))

    def filtered(self, found: Comparison) -> Comparison:
        if self.kept is all_fields:
            return found
        return Comparison(self.kept(found.added), self.kept(found.modified), self.kept(found.removed))


def updated(book: Book, old: Object, new: Object, door: Door, manager: Identity, now: str) -> Book:
    """The book after `manager` made `new` of `old`, both in the version of the door. Raises ShapeError."""
    today = reconciled(book, door.versions)
    change = Change(old, new, door)
    own = today.pop(manager, None)
    left = {identity: change.left_of(entry) for identity, entry in today.items()}
    gained = difference(door.kept(change.in_version(door.api_version).changed), NOBODYS)
    if own is not None and gained:
        left[manager] = _renewed(own, change, gained, now)
    elif own is not None:
        left[manager] = change.left_of(own)
    elif gained:
        left[manager] = new_entry(manager, door.api_version, gained, now)
    return capped({identity: entry for identity, entry in left.items() if entry["fieldsV1"]})


def _renewed(own: Object, change: Change, gained: Fields, now: str) -> Object:
    """The entry of one who writes again; who writes the same fields as ever, as most do, owns what it did."""
    fields, removed = own["fieldsV1"], change.in_version(own["apiVersion"]).removed
    if are_disjoint(fields, removed) and not difference(gained, fields):
        return own | {"time": now}
    return with_fields(own, union(gained, difference(fields, removed))) | {"time": now}


def reconciled(book: Book, versions: Versions) -> Book:
    """The book as of today's schema, without those who own in versions that are no more."""
    result = {}
    for identity, entry in book.items():
        version = entry["apiVersion"]
        if version in versions:
            fields = _reconciled(versions.shape(version), orjson.dumps(entry["fieldsV1"]))
            result[identity] = entry if fields is None else with_fields(entry, fields)
    return result


@lru_cache(maxsize=2048)
def _reconciled(shape: Shape, text: bytes) -> Fields | None:
    """None if nothing has to change, which is so until the schema does: worth to be remembered."""
    fields = orjson.loads(text)
    today = reconcile(fields, shape)
    return None if today is fields else today


class Change:
    """What a write changed, in each version that somebody owns fields in."""

    def __init__(self, old: Object, new: Object, door: Door) -> None:
        self._old = old
        self._new = new
        self._door = door
        self._found = {door.api_version: door.comparison(old, new)}

    def in_version(self, api_version: str) -> Comparison:
        if api_version not in self._found:
            self._found[api_version] = self._compare(api_version)
        return self._found[api_version]

    def _compare(self, api_version: str) -> Comparison:
        door = self._door
        old = door.versions.convert(self._old, door.api_version, api_version)
        new = door.versions.convert(self._new, door.api_version, api_version)
        return door.filtered(compare(old, new, door.versions.shape(api_version)))

    def taken_from(self, entry: Object) -> Fields:
        """The fields of an owner that the write has set otherwise."""
        return intersection(entry["fieldsV1"], self.in_version(entry["apiVersion"]).changed)

    def left_of(self, entry: Object) -> Object:
        """The entry without what has been set otherwise or removed; the same one if that is nothing."""
        found, fields = self.in_version(entry["apiVersion"]), entry["fieldsV1"]
        for lost in (found.changed, found.removed):
            if not are_disjoint(fields, lost):
                fields = difference(fields, lost)
        return entry if fields is entry["fieldsV1"] else with_fields(entry, fields)
