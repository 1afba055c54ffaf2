"""metadata.managedFields as a book: an entry for each manager, found by who wrote how.

Entries are as they stand on the wire. Books are values: nothing here changes one, or an entry in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from apimachinery.merge.fields import Fields, FieldsError, decoded, in_order, union
from apimachinery.objects import Object

APPLY, UPDATE = "Apply", "Update"
MAX_UPDATERS = 10
"""Entries of updates beyond these are put together, the oldest first."""
_ANCIENT = "ancient-changes"


class Identity(NamedTuple):
    """Who wrote: an applier is the same in all API versions."""

    manager: str
    operation: str
    api_version: str = ""
    subresource: str = ""


Book = dict[Identity, Object]


class BookError(ValueError):
    """What is no managedFields; the message is upstream's."""


def identity_of(entry: Object) -> Identity:
    operation = entry.get("operation") or ""
    version = "" if operation == APPLY else entry.get("apiVersion") or ""
    return Identity(entry.get("manager") or "", operation, version, entry.get("subresource") or "")


def new_entry(identity: Identity, api_version: str, fields: Fields, time: str | None) -> Object:
    entry: Object = {
        "manager": identity.manager,
        "operation": identity.operation,
        "apiVersion": api_version,
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": in_order(fields),
        "subresource": identity.subresource,
    }
    return {name: value for name, value in entry.items() if value or name == "fieldsV1"}


def with_fields(entry: Object, fields: Fields) -> Object:
    return entry | {"fieldsV1": in_order(fields)}


def stored_book(obj: Object | None) -> Book:
    """The book of an object as it is stored: what we wrote ourselves is not checked again."""
    entries = ((obj or {}).get("metadata") or {}).get("managedFields") or ()
    return {identity_of(entry): entry for entry in entries}


def read(entries: Any) -> Book:
    """A book that somebody else wrote. Raises BookError."""
    return {identity_of(entry): _checked(entry, index) for index, entry in enumerate(entries or ())}


def _checked(entry: Object, index: int) -> Object:
    if entry.get("operation") not in (APPLY, UPDATE):
        raise BookError("operation must be `Apply` or `Update`")
    if not entry.get("apiVersion"):
        raise BookError("apiVersion must not be empty")
    kind = entry.get("fieldsType")
    if not kind:
        raise BookError(f"missing fieldsType in managed fields entry {index}")
    if kind != "FieldsV1":
        raise BookError(f'invalid fieldsType "{kind}" in managed fields entry {index}')
    try:
        fields = decoded(entry.get("fieldsV1") or {})
    except FieldsError as error:
        raise BookError(f"error decoding set: {error}") from None
    return new_entry(identity_of(entry), entry["apiVersion"], fields, entry.get("time"))


def is_reset(entries: Any) -> bool:
    """Whether the one who writes wants the book to be forgotten."""
    return entries in ([], [{}])


def write(book: Book) -> list[Object]:
    """The entries in upstream's order: appliers first, then by time."""
    return sorted(book.values(), key=_order)


def _order(entry: Object) -> tuple[str, ...]:
    names = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(entry.get(name) or "" for name in names)


def capped(book: Book) -> Book:
    """The book with at most MAX_UPDATERS entries of updates; the oldest become one for each API version."""
    updaters = [identity for identity, entry in book.items() if entry["operation"] == UPDATE]
    if len(updaters) <= MAX_UPDATERS:
        return book
    result, first, left = dict(book), dict[str, Identity](), len(updaters)
    for identity in _oldest_first(book, updaters):
        if left <= MAX_UPDATERS:
            break
        version = book[identity]["apiVersion"]
        if version not in first:
            first[version] = identity
            continue
        bucket = Identity(_ANCIENT, UPDATE, version)
        if bucket not in result:
            result[bucket] = result.pop(first[version])
        fields = union(result.pop(identity)["fieldsV1"], result[bucket]["fieldsV1"])
        result[bucket] = new_entry(bucket, version, fields, book[identity].get("time"))
        left -= 1
    return result


def _oldest_first(book: Book, updaters: Iterable[Identity]) -> list[Identity]:
    return sorted(updaters, key=lambda identity: (book[identity].get("time") or "", identity))
