"""Server-side apply: a configuration merged into an object, conflicts, and fields that are no longer applied.

Source: merge/update.go of structured-merge-diff.
"""

from __future__ import annotations

from typing import NamedTuple

from apimachinery.merge.combination import merge, remove, with_named_fields
from apimachinery.merge.comparison import fields_of
from apimachinery.merge.fields import Fields, Path, difference, intersection, paths_of, union
from apimachinery.objects import Object
from apiserver.managed_fields.book import Book, Identity, new_entry
from apiserver.managed_fields.updating import NOBODYS, Change, Door, reconciled


class Conflict(NamedTuple):
    """A field that somebody else owns and the applier wants otherwise."""

    owner: Object
    """The owner's entry."""
    path: Path


class Conflicts(Exception):
    """Why an apply was refused."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts


class Applied(NamedTuple):
    """What an apply makes of an object, in the version of the door."""

    obj: Object | None
    """None if the object is so already."""
    book: Book


def applied(
    book: Book, live: Object, config: Object, door: Door, manager: Identity, now: str, *, force: bool
) -> Applied:
    """Objects are in the version of the door and fit its shape. Raises Conflicts, ShapeError."""
    today = reconciled(book, door.versions)
    last = today.pop(manager, None)
    fields = door.kept(fields_of(config, door.versions.shape(door.api_version)))
    entry = new_entry(manager, door.api_version, fields, last.get("time") if last else None)
    new = merge(live, config, door.versions.shape(door.api_version))
    if last is not None:
        new = _prune(new, last, [*today.values(), entry], door)
    change = Change(live, new, door)
    if not force:
        _refuse_conflicts(today, change)
    left = {identity: change.left_of(each) for identity, each in today.items()}
    same = new == live
    owned = difference(fields, NOBODYS)
    left[manager] = new_entry(manager, door.api_version, owned, entry.get("time") if same else now)
    kept = {identity: each for identity, each in left.items() if each["fieldsV1"]}
    return Applied(None if same else new, kept)


def _refuse_conflicts(book: Book, change: Change) -> None:
    found = [Conflict(entry, path) for entry in book.values() for path in paths_of(change.taken_from(entry))]
    if found:
        raise Conflicts(found)


def _prune(merged: Object, last: Object, entries: list[Object], door: Door) -> Object:
    """Takes away what the applier applied last time, does not now, and nobody else owns."""
    version, fields = last["apiVersion"], last["fieldsV1"]
    shape = door.versions.shape(version)
    merged = door.versions.convert(merged, door.api_version, version)
    named = with_named_fields(fields, shape)
    pruned = _add_back_owned(merged, remove(merged, named, shape), version, entries, door)
    gone = difference(_named(merged, version, door), _named(pruned, version, door))
    pruned = remove(merged, intersection(gone, named), shape)
    return door.versions.convert(pruned, version, door.api_version)


def _add_back_owned(
    merged: Object, pruned: Object, version: str, entries: list[Object], door: Door
) -> Object:
    """Puts back what somebody owns, first in the version in which it was taken away."""
    owned: dict[str, Fields] = {version: {}}
    for entry in entries:
        owned[entry["apiVersion"]] = union(owned.get(entry["apiVersion"], {}), entry["fieldsV1"])
    current = version
    for each, fields in owned.items():
        merged, pruned = (door.versions.convert(obj, current, each) for obj in (merged, pruned))
        current, shape = each, door.versions.shape(each)
        kept = union(_named(pruned, each, door), with_named_fields(fields, shape))
        pruned = remove(merged, difference(_named(merged, each, door), kept), shape)
    return door.versions.convert(pruned, current, version)


def _named(obj: Object, version: str, door: Door) -> Fields:
    shape = door.versions.shape(version)
    return with_named_fields(fields_of(obj, shape), shape)
