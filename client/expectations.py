"""What a controller has asked for and not seen yet in its caches, so that it doesn't ask twice.

An optimisation only: after five minutes, or after a restart, the caches are believed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from apimachinery.objects import NamespacedName

TIMEOUT_SECONDS = 300.0


@dataclass(slots=True)
class _Expected:
    creations: int
    deletions: set[str] = field(default_factory=set)
    since: float = 0.0
    answers: str = ""


class Expectations:
    """Per key the creations (a number) and deletions (uids) that are still to be seen.

    `has_seen` says whether the cache is as new as a resourceVersion: something created and gone again while
    nobody watched is never seen itself, but a newer state is.
    """

    def __init__(self, has_seen: Callable[[str], bool] = lambda resource_version: False) -> None:
        self._expected: dict[NamespacedName, _Expected] = {}
        self._has_seen = has_seen

    def expect_creations(self, key: NamespacedName, count: int) -> None:
        self._expected[key] = _Expected(count, since=self._time())

    def expect_deletions(self, key: NamespacedName, uids: Iterable[str]) -> None:
        self._expected[key] = _Expected(0, set(uids), self._time())

    def creation_seen(self, key: NamespacedName) -> None:
        """One creation came in, or failed and will not come."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.creations -= 1

    def creations_answered(self, key: NamespacedName, resource_version: str) -> None:
        """Nothing is under way any more; the newest of the answers has this resourceVersion."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.answers = resource_version

    def deletion_seen(self, key: NamespacedName, uid: str) -> None:
        expected = self._expected.get(key)
        if expected is not None:
            expected.deletions.discard(uid)

    def satisfied(self, key: NamespacedName) -> bool:
        """Whether the caches show all that was asked for (or it took too long)."""
        expected = self._expected.get(key)
        if expected is None:
            return True
        if expected.creations <= 0 and not expected.deletions:
            return True
        if expected.answers and self._has_seen(expected.answers):
            return True
        return self._time() - expected.since > TIMEOUT_SECONDS

    def forget(self, key: NamespacedName) -> None:
        self._expected.pop(key, None)

    def _time(self) -> float:
        return asyncio.get_running_loop().time()
