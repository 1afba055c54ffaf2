"""Lists: which state of the world they show, what they select, and how they go on.

Source of the rules: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from apimachinery.errors import BadRequestError, ExpiredError, TimeoutStatusError
from apimachinery.fields import FieldSelector
from apimachinery.objects import Object
from apiserver.registry.options import EXACT, NOT_OLDER_THAN, ListOptions
from apiserver.storage.entry import Entry
from apiserver.storage.interface import RevisionCompacted, RevisionInFuture, Storage
from apiserver.storage.resource_cache import ResourceCache
from apiserver.storage.watch_cache import WatchCache

_Entries = list[Entry]
_WAIT_SECONDS = 3.0
_PAGE = 500
_TOO_OLD = "The resourceVersion for the provided list is too old."
_CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, or one chunk of it."""

    entries: Sequence[Entry]
    revision: int
    continue_: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on: after a key, as of a revision (-1: whatever is current)."""

    revision: int
    start_after: str

    def encode(self, prefix: str) -> str:
        token = {"v": "meta.k8s.io/v1", "rv": self.revision, "start": self.start_after[len(prefix) :] + "\0"}
        return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()


def decode_position(token: str, prefix: str) -> Position:
    """Raises BadRequestError."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = orjson.loads(raw)
        if found["v"] != "meta.k8s.io/v1" or found["rv"] == 0:
            raise ValueError("unrecognized version or incorrect encoded resourceVersion")
        start = found["start"]
        if not start or start.startswith("/") or ".." in start.split("/"):
            raise ValueError("invalid start key")
        return Position(int(found["rv"]), prefix + start.removesuffix("\0"))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequestError(f"continue key is not valid: {error}") from None


class ContinueExpiredError(ExpiredError):
    """Carries a token with which the list can go on, if consistency does not matter."""

    def __init__(self, message: str, token: str) -> None:
        super().__init__(message)
        self._token = token

    def to_status(self) -> Object:
        return super().to_status() | {"metadata": {"continue": self._token}}


def parse_revision(text: str) -> int:
    """Raises BadRequestError."""
    if text.isascii() and text.isdigit():
        return int(text)
    raise BadRequestError(
        f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    )


def too_large(wanted: int, current: int) -> TimeoutStatusError:
    error = TimeoutStatusError(f"Too large resource version: {wanted}, current: {current}", retry_after=1)
    error.details["causes"] = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return error


def matches(entry: Entry, options: ListOptions) -> bool:
    """Whether an object is what the selectors ask for."""
    if options.selects_all:
        return True
    labels, fields = entry.selection()
    return options.labels.matches(labels) and options.fields.matches(fields)


def check_field_selector(selector: FieldSelector, selectable: Mapping[str, str]) -> None:
    """Refuses fields that cannot be selected by, in upstream's two wordings. Raises BadRequestError."""
    known = {"metadata.name", "metadata.namespace", *selectable}
    for requirement in selector.requirements:
        if requirement.field in known:
            continue
        if selectable:
            raise BadRequestError(f"field label not supported: {requirement.field}")
        raise BadRequestError(
            f'"{requirement.field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )


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
            await self._watch_cache.fresh()
        elif resource_version != "0":
            await self.wait_for(parse_revision(resource_version))

    async def list(self, namespace: str, options: ListOptions) -> Listing:
        if options.continue_:
            return await self._continue(namespace, options)
        version = options.resource_version
        legacy_exact = options.limit and not options.match and version not in ("", "0")
        if options.match == EXACT or legacy_exact:
            revision = parse_revision(version)
            return await self._list_at(namespace, options, Position(revision, ""), _TOO_OLD)
        await self.be_current(version)
        # Upstream serves resourceVersion=0 from its cache, which knows no limits.
        limit = 0 if version == "0" and options.match != NOT_OLDER_THAN else options.limit
        return self._from_cache(namespace, options, limit, Position(self._watch_cache.revision, ""))

    async def _continue(self, namespace: str, options: ListOptions) -> Listing:
        if options.resource_version not in ("", "0"):
            raise BadRequestError("specifying resource version is not allowed when using continue")
        position = decode_position(options.continue_, self._cache.prefix)
        if position.revision < 0:
            await self._watch_cache.fresh()
            position = Position(self._watch_cache.revision, position.start_after)
            return self._from_cache(namespace, options, options.limit, position)
        return await self._list_at(namespace, options, position, _CONTINUE_TOO_OLD)

    async def _list_at(
        self, namespace: str, options: ListOptions, position: Position, too_old: str
    ) -> Listing:
        """The state at a revision: the cache's if nothing has changed since, else the store's history."""
        if self._cache.revision <= position.revision <= self._watch_cache.revision:
            return self._from_cache(namespace, options, options.limit, position)
        try:
            return await self._from_history(namespace, options, position)
        except RevisionInFuture:
            raise too_large(position.revision, self._watch_cache.revision) from None
        except RevisionCompacted:
            raise self._expired(position, too_old) from None

    def _expired(self, position: Position, message: str) -> ExpiredError:
        if not position.start_after:
            return ExpiredError(message)
        return ContinueExpiredError(message, Position(-1, position.start_after).encode(self._cache.prefix))

    def _from_cache(self, namespace: str, options: ListOptions, limit: int, position: Position) -> Listing:
        candidates = self._candidates(namespace, options, position.start_after or None)
        if options.selects_all and not limit:
            return Listing(candidates, position.revision)
        found = (entry for entry in candidates if matches(entry, options))
        if not limit:
            return Listing([*found], position.revision)
        return self._chunk(found, limit, position.revision, len(candidates), options)

    def _candidates(self, namespace: str, options: ListOptions, start_after: str | None) -> Sequence[Entry]:
        """The entries to look at: the narrowest that an index has."""
        for requirement in options.fields.requirements if start_after is None else ():
            if requirement.operator != "=":
                continue
            if requirement.field == "metadata.name" and (namespace or not self._cache.resource.namespaced):
                entry = self._cache.get(namespace, requirement.value)
                return [entry] if entry else []
            indexed = self._cache.entries_with(requirement.field, requirement.value)
            if indexed is not None:
                return [entry for entry in indexed if not namespace or entry.namespace == namespace]
        return self._cache.entries(namespace or None, start_after)

    def _chunk(
        self, found: Iterator[Entry], limit: int, revision: int, total: int, options: ListOptions
    ) -> Listing:
        """One chunk, and a token if there is more. What selectors leave is not counted, as upstream does."""
        entries = [*islice(found, limit)]
        if next(found, None) is None:
            return Listing(entries, revision)
        token = Position(revision, entries[-1].key).encode(self._cache.prefix)
        return Listing(entries, revision, token, total - limit if options.selects_all else None)

    async def _from_history(self, namespace: str, options: ListOptions, position: Position) -> Listing:
        """A range of the store as of a revision, page by page until there is enough."""
        cache, limit = self._cache, options.limit
        prefix = f"{cache.prefix}{namespace}/" if namespace and cache.resource.namespaced else cache.prefix
        found: _Entries = []
        start, total = position.start_after or None, 0
        while True:
            page = await self._storage.list(
                prefix, revision=position.revision, limit=max(limit, _PAGE), start_after=start
            )
            total = total or len(page.items) + page.remaining
            entries = (entry for item in page.items if (entry := cache.entry_of(item)) is not None)
            found += [entry for entry in entries if matches(entry, options)]
            if not page.remaining or (limit and len(found) > limit):
                break
            start = page.items[-1].key
        if not limit:
            return Listing(found, position.revision)
        return self._chunk(iter(found), limit, position.revision, total, options)
