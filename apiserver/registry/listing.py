"""Lists: which state of the world they show, what they select, and how they go on.

Source of the rules: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter

from apimachinery.errors import BadRequestError, ExpiredError, StatusError, TimeoutStatusError
from apimachinery.fields import FieldSelector
from apiserver.registry.continue_token import (
    CONTINUE_TOO_OLD,
    ContinueExpiredError,
    Position,
    decode_position,
)
from apiserver.registry.options import EXACT, ListOptions
from apiserver.storage.entry import Entry
from apiserver.storage.interface import RevisionCompacted, RevisionInFuture, Storage, StorageError
from apiserver.storage.resource_cache import ResourceCache
from apiserver.storage.watch_cache import WatchCache

_Entries = list[Entry]
Seen = Callable[[Entry], tuple[Mapping[str, str], Mapping[str, str]]]
_WAIT_SECONDS = 3.0
_LAST_REVISION = (1 << 63) - 1
"""That the store can have."""
_PAGE = 500
_ONLY_METADATA = '"{}" is not a known field selector: only "metadata.name", "metadata.namespace"'
_UNSELECTABLE = "field label not supported: {}"
_TOO_OLD = "The resourceVersion for the provided list is too old."


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, or one chunk of it."""

    entries: Sequence[Entry]
    revision: int
    continue_: str = ""
    remaining: int | None = None


def parse_revision(text: str) -> int:
    """A resourceVersion as a number. Raises StatusError, a 500 as upstream's of a get or a watch."""
    is_number = text.isascii() and text.isdigit()
    if is_number and len(text) <= 20 and int(text) < 1 << 64:
        return int(text)
    why = "value out of range" if is_number else "invalid syntax"
    raise StatusError(
        f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": {why}', code=500
    )


def _check_revision(text: str) -> None:
    """That of a list. Raises BadRequestError."""
    try:
        parse_revision(text or "0")
    except StatusError as error:
        raise BadRequestError(f"invalid resource version: {error.message}") from None


def too_large(wanted: int, current: int) -> TimeoutStatusError:
    error = TimeoutStatusError(f"Too large resource version: {wanted}, current: {current}", retry_after=1)
    error.details["causes"] = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return error


def matches(entry: Entry, options: ListOptions, seen: Seen = Entry.selection) -> bool:
    """Whether an object is what the selectors ask for; `seen` gives its labels and selectable fields."""
    if options.selects_all:
        return True
    labels, fields = seen(entry)
    return options.labels.matches(labels) and options.fields.matches(fields)


def check_field_selector(
    selector: FieldSelector, selectable: Collection[str] = (), refusal: str = "", *, namespaced: bool = True
) -> None:
    """Refuses fields that cannot be selected by, in upstream's wordings. Raises BadRequestError.

    Kinds that have a `refusal` or selectable fields of their own know no namespace, if they are in none.
    """
    refusal = refusal or (_UNSELECTABLE if selectable else "")
    known = {"metadata.name", *selectable}
    if namespaced or not refusal:
        known.add("metadata.namespace")
    for requirement in selector.requirements:
        if requirement.field not in known:
            raise BadRequestError((refusal or _ONLY_METADATA).format(requirement.field))


class Lister:
    """Lists one resource, from memory wherever memory knows the answer."""

    def __init__(self, storage: Storage, watch_cache: WatchCache, cache: ResourceCache) -> None:
        self._storage = storage
        self._watch_cache = watch_cache
        self._cache = cache

    async def wait_for(self, revision: int) -> None:
        """Until the cache is not older than `revision`. Raises TimeoutStatusError."""
        if not await self._watch_cache.wait_until(revision, _WAIT_SECONDS):
            raise too_large(revision, self._watch_cache.revision)

    async def be_current(self, resource_version: str) -> None:
        """What "", "0" and "n" ask of a read from the cache."""
        if resource_version == "":
            revision = await self._watch_cache.stored.ask()
            await self._timed(revision, self._watch_cache.reach)
        elif resource_version != "0":
            await self._timed(parse_revision(resource_version), self.wait_for)

    async def _timed(self, revision: int, wait: Callable[[int], Awaitable[None]]) -> None:
        """Mostly the cache is there already."""
        waits = self._cache.counts.waits
        if revision <= self._watch_cache.revision:
            return waits.observe(0.0)
        began = perf_counter()
        try:
            await wait(revision)
        finally:
            waits.observe(perf_counter() - began)

    async def list(self, namespace: str, options: ListOptions) -> Listing:
        if options.resource_version == "0":  # upstream serves it from its cache, which knows no limits
            options = replace(options, limit=0)
        if options.continue_:
            return await self._continue(namespace, options)
        version = options.resource_version
        _check_revision(version)
        legacy_exact = options.limit and not options.match and version not in ("", "0")
        if options.match == EXACT or legacy_exact:
            revision = parse_revision(version)
            return await self._list_at(namespace, options, Position(revision, ""), _TOO_OLD)
        await self._be_current_for_list(version)
        return self._from_cache(namespace, options, Position(self._watch_cache.revision, ""))

    async def _be_current_for_list(self, resource_version: str) -> None:
        """As `be_current`. Only a list that needs the store can fail for it."""
        counts = self._cache.counts
        try:
            await self.be_current(resource_version)
        except StorageError:
            counts.failed_reads += 1
            raise
        counts.consistent_reads += resource_version == ""

    async def _continue(self, namespace: str, options: ListOptions) -> Listing:
        position = decode_position(options.continue_, self._prefix(namespace))
        if options.resource_version not in ("", "0"):
            raise BadRequestError("specifying resource version is not allowed when using continue")
        if position.revision < 0:
            await self._be_current_for_list("")
            position = Position(self._watch_cache.revision, position.start_after)
            return self._from_cache(namespace, options, position)
        return await self._list_at(namespace, options, position, CONTINUE_TOO_OLD)

    async def _list_at(
        self, namespace: str, options: ListOptions, position: Position, too_old: str
    ) -> Listing:
        """The state at a revision: the cache's if nothing has changed since, else the store's history."""
        if position.revision < self._watch_cache.history_from:
            raise self._expired(namespace, position, too_old)
        if self._cache.revision <= position.revision <= self._watch_cache.revision:
            return self._from_cache(namespace, options, position)
        if position.revision > _LAST_REVISION:
            raise too_large(position.revision, self._watch_cache.revision)
        try:
            return await self._from_history(namespace, options, position)
        except RevisionInFuture:
            raise too_large(position.revision, self._watch_cache.revision) from None
        except RevisionCompacted:
            raise self._expired(namespace, position, too_old) from None

    def _prefix(self, namespace: str) -> str:
        """What the keys of a list begin with. Tokens are relative to it: they can't lead elsewhere."""
        scoped = namespace and self._cache.resource.namespaced
        return f"{self._cache.prefix}{namespace}/" if scoped else self._cache.prefix

    def _expired(self, namespace: str, position: Position, message: str) -> ExpiredError:
        if not position.start_after:
            return ExpiredError(message)
        return ContinueExpiredError(
            message, Position(-1, position.start_after).encode(self._prefix(namespace))
        )

    def _from_cache(self, namespace: str, options: ListOptions, position: Position) -> Listing:
        if self._cache.unreadable:
            self._cache.check_readable(self._prefix(namespace))
        index, candidates = self._candidates(namespace, options, position.start_after or None)
        listing = self._selected(namespace, options, position.revision, candidates)
        self._cache.counts.cached(index).add(len(candidates), len(listing.entries))
        return listing

    def _selected(
        self, namespace: str, options: ListOptions, revision: int, candidates: Sequence[Entry]
    ) -> Listing:
        if options.selects_all and not options.limit:
            return Listing(candidates, revision)
        found = (entry for entry in candidates if matches(entry, options))
        if not options.limit:
            return Listing([*found], revision)
        return self._chunk(found, self._prefix(namespace), options, revision, len(candidates))

    def _candidates(
        self, namespace: str, options: ListOptions, start_after: str | None
    ) -> tuple[str, Sequence[Entry]]:
        """The entries to look at, the narrowest that an index has; and the index, as upstream calls it."""
        for requirement in options.fields.requirements if start_after is None else ():
            if requirement.operator != "=":
                continue
            if requirement.field == "metadata.name" and (namespace or not self._cache.resource.namespaced):
                entry = self._cache.get(namespace, requirement.value)
                return "", [entry] if entry else []
            indexed = self._cache.entries_with(requirement.field, requirement.value)
            if indexed is not None:
                mine = [entry for entry in indexed if not namespace or entry.namespace == namespace]
                return f"f:{requirement.field}", mine
        return "", self._cache.entries(namespace or None, start_after)

    def _chunk(
        self, found: Iterator[Entry], prefix: str, options: ListOptions, revision: int, total: int
    ) -> Listing:
        """One chunk, and a token if there is more. What selectors leave is not counted, as upstream does."""
        limit = options.limit
        entries = [*islice(found, limit)]
        if next(found, None) is None:
            return Listing(entries, revision)
        token = Position(revision, entries[-1].key).encode(prefix)
        return Listing(entries, revision, token, total - limit if options.selects_all else None)

    async def _from_history(self, namespace: str, options: ListOptions, position: Position) -> Listing:
        """A range of the store as of a revision, page by page until there is enough."""
        cache, limit, prefix = self._cache, options.limit, self._prefix(namespace)
        found: _Entries = []
        start, total, fetched = position.start_after or None, 0, 0
        while True:
            page = await self._storage.list(
                prefix, revision=position.revision, limit=max(limit, _PAGE), start_after=start
            )
            total = total or len(page.items) + page.remaining
            fetched += len(page.items)
            entries = (cache.entry_of(item) for item in page.items)
            found += [entry for entry in entries if matches(entry, options)]
            if not page.remaining or (limit and len(found) > limit):
                break
            start = page.items[-1].key
        listing = Listing(found, position.revision)
        if limit:
            listing = self._chunk(iter(found), prefix, options, position.revision, total)
        cache.counts.from_store.add(fetched, len(listing.entries), evaluated=fetched)
        return listing
