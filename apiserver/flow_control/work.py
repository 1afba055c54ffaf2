"""How many seats a request takes: one, but for lists of much; and how many are told of a write.

Source: list_work_estimator.go (by size) and mutating_work_estimator.go of pkg/util/flowcontrol/request in
kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from apiserver.request import RequestInfo
from apiserver.storage.watch_cache import WatchCache

_WRITES = frozenset(("create", "update", "patch", "delete"))
_BYTES_PER_SEAT = 100_000
_MOST_BYTES = 1_000_000
"""What a list from the cache has in memory at once, however long it is."""


def seats_of(info: RequestInfo, cache: WatchCache, most: int) -> int:
    """At least one, at most `most`."""
    if info.resource is None or info.name or not _sends_objects(info):
        return 1
    found = cache.find(info.resource)
    if found is None or not found.size:
        return 1
    limit = info.first("limit")
    part = min(int(limit) / len(found), 1.0) if limit.isdecimal() and int(limit) and len(found) else 1.0
    seats = -int(-min(found.size * part, _MOST_BYTES) // _BYTES_PER_SEAT)
    return max(min(seats, most), 1)


def watchers_of(info: RequestInfo, cache: WatchCache) -> int | None:
    """As far as that can be said beforehand; None if nobody is told of what is asked for."""
    is_token = (info.plural, info.subresource) == ("serviceaccounts", "token")
    if info.verb not in _WRITES or not info.is_resource or is_token:
        return None
    found = cache.find(info.resource) if info.resource is not None else None
    return found.watchers_of(info.namespace, info.name) if found is not None else 0


def _sends_objects(info: RequestInfo) -> bool:
    return info.verb == "list" or (info.verb == "watch" and info.first("sendInitialEvents") == "true")
