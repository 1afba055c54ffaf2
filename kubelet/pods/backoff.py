"""CrashLoopBackOff: how long a container that ended waits for its next start. Pure bookkeeping.

10 s doubling to 300 s as a rule, counted from its end; forgotten once it has run for twice the maximum.

Source: staging/src/k8s.io/client-go/util/flowcontrol/backoff.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

INITIAL, MAXIMUM = 10.0, 300.0


@dataclass(frozen=True, slots=True)
class BackoffEntry:
    delay: float
    since: float
    """When the restart was that began this delay."""


class Backoff:
    """One entry per key, in memory only: a restarted kubelet begins anew, as upstream's does."""

    def __init__(self, initial: float = INITIAL, maximum: float = MAXIMUM) -> None:
        self.initial = initial
        self.maximum = maximum
        self._entries: dict[Hashable, BackoffEntry] = {}

    def remaining(self, key: Hashable, ended_at: float, now: float) -> float:
        """Seconds until it may start; 0 if it may now."""
        entry = self._live(key, ended_at)
        return max(ended_at + entry.delay - now, 0.0) if entry else 0.0

    def delay(self, key: Hashable) -> float:
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def restarted(self, key: Hashable, ended_at: float, now: float) -> None:
        """It is started again now after having ended then: the next wait is longer."""
        entry = self._live(key, ended_at)
        delay = min(entry.delay * 2, self.maximum) if entry else self.initial
        self._entries[key] = BackoffEntry(delay, now)

    def _live(self, key: Hashable, ended_at: float) -> BackoffEntry | None:
        entry = self._entries.get(key)
        if entry is None or ended_at - entry.since > 2 * self.maximum:
            return None
        return entry

    def forget(self, key: Hashable) -> None:
        self._entries.pop(key, None)

    def forget_pod(self, uid: str) -> None:
        """Drops every key that begins with this pod."""
        for key in [each for each in self._entries if isinstance(each, tuple) and each[0] == uid]:
            del self._entries[key]
