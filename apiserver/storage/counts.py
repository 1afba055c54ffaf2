"""What reads and watches of one resource have taken: counted where it happens, told when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from component_base.metrics import Tally

_WAIT_BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3)


@dataclass(slots=True)
class Lists:
    """Lists served in one way, and the objects that were read, tested and returned for them."""

    served: int = 0
    fetched: int = 0
    evaluated: int = 0
    returned: int = 0

    def add(self, fetched: int, returned: int, evaluated: int = 0) -> None:
        self.served += 1
        self.fetched += fetched
        self.evaluated += evaluated
        self.returned += returned


@dataclass(slots=True)
class Counts:
    """Of one resource, since this process has known it."""

    from_cache: dict[str, Lists] = field(default_factory=dict)
    """By the index that was used, as upstream calls it; none is ""."""
    from_store: Lists = field(default_factory=Lists)
    consistent_reads: int = 0
    failed_reads: int = 0
    """Those that had to be consistent, and could not be told in time."""
    waits: Tally = field(default_factory=lambda: Tally(_WAIT_BUCKETS))
    """Seconds until the cache was as new as a read had to be."""
    loads: int = 0
    loaded: int = 0
    """Objects, by all loads."""
    undecodable: int = 0
    slow_watchers: int = 0
    """Those that were cut off."""

    def cached(self, index: str) -> Lists:
        found = self.from_cache.get(index)
        if found is None:
            found = self.from_cache[index] = Lists()
        return found
