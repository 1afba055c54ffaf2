"""How many seats a request takes: one, but for lists of much.

Source: pkg/util/flowcontrol/request/list_work_estimator.go of kubernetes/apiserver 0.34: by size.
"""

from __future__ import annotations

from apiserver.request import RequestInfo
from apiserver.storage.watch_cache import WatchCache

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


def _sends_objects(info: RequestInfo) -> bool:
    return info.verb == "list" or (info.verb == "watch" and info.first("sendInitialEvents") == "true")
