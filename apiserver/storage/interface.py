"""The Storage seam: revisioned bytes under keys, compare-and-swap writes, and a watch.

Twins: `EtcdStorage` and `MemoryStorage`; `tests/contract/test_storage.py` holds both to this page.
Keys are text such as `/registry/pods/default/web`; values are the canonical JSON of an object
without its resourceVersion. A revision is etcd's: one counter for the whole store, starting at 1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class KeyValue(NamedTuple):
    """One key as it stands at `revision`, the revision of its last write (etcd's mod_revision)."""

    key: str
    value: bytes
    revision: int
    is_stale: bool = False
    """Whether a write of the same value would store it in another way: encrypted anew."""
    problem: str = ""
    """Why the value is still encrypted."""


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a range in key order, as of `revision`. `remaining` counts what a limit cut off."""

    items: list[KeyValue]
    revision: int
    remaining: int


class Event(NamedTuple):
    """One change. `value` is None for a deletion. What was there before is for the watcher to remember."""

    key: str
    value: bytes | None
    revision: int
    problem: str = ""
    """Why the value is still encrypted."""


class Batch(NamedTuple):
    """Events that became visible together, in order. Without any: all up to `revision` is known."""

    events: list[Event]
    revision: int


class StorageError(Exception):
    """Anything the store refuses or cannot do."""


class KeyExists(StorageError):
    """create: the key is there already."""


class RevisionMismatch(StorageError):
    """update or delete: the key is not at the expected revision. `current` is what is there, or None."""

    def __init__(self, key: str, current: KeyValue | None) -> None:
        super().__init__(f"{key} is at revision {current.revision if current else 'none'}")
        self.current = current


class RevisionCompacted(StorageError):
    """A read or watch from a revision that history no longer holds.

    `oldest` is the first that may be asked for, 0 if the store did not say.
    """

    def __init__(self, oldest: int) -> None:
        super().__init__(f"compacted up to {oldest}")
        self.oldest = oldest


class RevisionInFuture(StorageError):
    """A read at a revision that the store has not reached."""


class StorageUnreachable(StorageError):
    """No answer from the store: the write may or may not have happened."""


class ValueTooLarge(StorageError):
    """The store refused the value for its size (etcd: 1.5 MiB a request)."""


class UnreadableValue(StorageError):
    """A value that is there and cannot be decrypted."""


class UndecodableValue(StorageError):
    """A value that is there and is no API object."""


class UnwritableValue(StorageError):
    """A value that ought to be encrypted and cannot be."""


class Storage(Protocol):
    """Called from one event loop. Every method may raise StorageUnreachable."""

    async def get(self, key: str) -> KeyValue | None: ...

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        """The range under `prefix`, as of `revision` (0: now). Raises RevisionCompacted, RevisionInFuture."""

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """Puts a key that must not exist; returns the revision. Raises KeyExists, ValueTooLarge."""

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        """Puts a key that is at `revision`; returns the new one. Raises RevisionMismatch, ValueTooLarge."""

    async def delete(self, key: str, revision: int) -> int:
        """Deletes a key that must be at `revision`; returns the deletion's. Raises RevisionMismatch."""

    async def current_revision(self) -> int:
        """The store's revision now, linearizable."""

    def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        """Every change after `revision`, in order, for ever. An empty prefix is the whole store.

        Raises RevisionCompacted, StorageUnreachable.
        """

    async def grant(self, ttl: int) -> int:
        """A lease of `ttl` seconds: keys written with it go when it ends."""

    async def compact(self, revision: int) -> None:
        """Forgets history before `revision`."""

    async def size(self) -> int:
        """Bytes that the store takes, history included."""

    async def aclose(self) -> None: ...
