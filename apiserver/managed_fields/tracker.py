"""The front of managed fields: one tracker for each door to a resource. Objects are in the stored version.

Source: fieldmanager.go and skipnonapplied.go of apimachinery.
"""

from __future__ import annotations

from apimachinery.errors import BadRequestError, StatusError
from apimachinery.merge.checking import check
from apimachinery.merge.fields import has
from apimachinery.merge.shape import ShapeError
from apimachinery.objects import Object
from apiserver.managed_fields import last_applied
from apiserver.managed_fields.applying import Applied, Conflicts, applied
from apiserver.managed_fields.book import APPLY, UPDATE, Book, BookError, is_reset, read, stored_book, write
from apiserver.managed_fields.owners import conflict_error
from apiserver.managed_fields.updating import Door, updated

_BEFORE_FIRST_APPLY = "before-first-apply"


class Tracker:
    def __init__(self, door: Door) -> None:
        self.door = door

    def track(self, old: Object | None, new: Object, manager: str, now: str) -> None:
        """Writes into `new` who manages what, after `manager` made it of `old` (None: of nothing).

        An object without managers stays so, unless it is new. What cannot be tracked loses its managers.
        """
        book = self._book(old, new)
        metadata = new["metadata"]
        metadata.pop("managedFields", None)
        if old is not None and not book:
            return
        try:
            entries = write(self._updated(book, old, new, manager, now))
        except ShapeError:
            return
        if entries:
            metadata["managedFields"] = entries

    def _book(self, old: Object | None, new: Object) -> Book:
        """What `new` says about its managers counts, unless it is nonsense or comes by a subresource."""
        said, stored = (
            new["metadata"].get("managedFields"),
            ((old or {}).get("metadata") or {}).get("managedFields"),
        )
        if self.door.subresource or said == stored:
            return stored_book(old)
        if is_reset(said):
            return {}
        try:
            return read(said) or stored_book(old)
        except BookError:
            return stored_book(old)

    def _updated(self, book: Book, old: Object | None, new: Object, manager: str, now: str) -> Book:
        before = self._served(old) if old is not None else {"metadata": {}}
        return updated(book, before, self._served(new), self.door, self.door.identity(manager, UPDATE), now)

    def _served(self, obj: Object) -> Object:
        """The object in the version of the door, without its managers."""
        bare = obj | {
            "metadata": {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        }
        return self.door.versions.from_stored(bare, self.door.api_version)

    def apply(self, live: Object | None, config: Object, manager: str, now: str, *, force: bool) -> Object:
        """What an apply makes of what is stored, if anything is; without defaults. Raises StatusErrors."""
        door = self.door
        if _metadata(config).get("managedFields") is not None:
            raise BadRequestError("metadata.managedFields must be nil")
        self._check(config)
        base = self._served(live) if live is not None else _nothing(config)
        book = stored_book(live) or self._first_book(live, now)
        result = self._applied(book, base, config, manager, now, force=force)
        obj = dict(result.obj or base)
        obj["metadata"] = dict(obj["metadata"] or {})
        if manager == last_applied.KUBECTL:
            last_applied.note_last_applied(obj, config)
        obj = door.versions.to_stored(obj, door.api_version)
        if entries := write(result.book):
            obj["metadata"]["managedFields"] = entries
        return obj

    def _check(self, config: Object) -> None:
        try:
            check(config, self.door.versions.shape(self.door.api_version))
        except ShapeError as error:
            raise StatusError(f"failed to create typed patch object ({full_name(config)}): {error}") from None

    def _first_book(self, live: Object | None, now: str) -> Book:
        """Whatever an object without managers has was there before the first apply."""
        if live is None:
            return {}
        try:
            return self._updated({}, None, live, _BEFORE_FIRST_APPLY, now)
        except ShapeError as error:
            raise StatusError(f"failed to create manager for existing fields: {error}") from None

    def _applied(
        self, book: Book, live: Object, config: Object, manager: str, now: str, *, force: bool
    ) -> Applied:
        identity = self.door.identity(manager, APPLY)
        try:
            return applied(book, live, config, self.door, identity, now, force=force)
        except Conflicts as refusal:
            conflicts = refusal.conflicts
        except ShapeError as error:
            raise StatusError(f"failed to create typed live object ({full_name(config)}): {error}") from None
        if manager == last_applied.KUBECTL:
            own = last_applied.fields_of_last_applied(live, self.door)
            if own:
                conflicts = [each for each in conflicts if not has(own, each.path)]
        if conflicts:
            raise conflict_error(conflicts)
        return applied(book, live, config, self.door, identity, now, force=True)


def _nothing(config: Object) -> Object:
    """What there is before anything is."""
    return {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {}}


def full_name(config: Object) -> str:
    """As upstream names what it talks about: `ns/name; apps/v1, Kind=Deployment`."""
    metadata = _metadata(config)
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {kind_text(config)}"


def _metadata(config: Object) -> Object:
    """A configuration may be anything until it has been checked."""
    metadata = config.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def kind_text(obj: Object) -> str:
    """`apps/v1, Kind=Deployment`; the core group is empty, and so is what is no text."""
    version, kind = (
        each if isinstance(each := obj.get(name), str) else "" for name in ("apiVersion", "kind")
    )
    return f"{version if '/' in version else f'/{version}'}, Kind={kind}"
