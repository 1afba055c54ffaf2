"""How long a failed daemon pod stays: a second, doubled with each failure of a successor on its node."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime

FIRST_SECONDS, LAST_SECONDS = 1.0, 900.0


@dataclass(frozen=True, slots=True)
class _Failure:
    at: datetime
    seconds: float


class Failures:
    """By key the last failure; one that is long past counts no more."""

    def __init__(self) -> None:
        self._known: dict[Hashable, _Failure] = {}

    def remaining(self, key: Hashable, now: datetime) -> float:
        """Seconds that are left of the wait after the last failure."""
        last = self._last(key, now)
        return max(last.seconds - (now - last.at).total_seconds(), 0.0) if last else 0.0

    def note(self, key: Hashable, now: datetime) -> None:
        last = self._last(key, now)
        seconds = min(2 * last.seconds, LAST_SECONDS) if last else FIRST_SECONDS
        self._known = {each: failure for each, failure in self._known.items() if not _is_past(failure, now)}
        self._known[key] = _Failure(now, seconds)

    def _last(self, key: Hashable, now: datetime) -> _Failure | None:
        last = self._known.get(key)
        return None if last is None or _is_past(last, now) else last


def _is_past(failure: _Failure, now: datetime) -> bool:
    return (now - failure.at).total_seconds() > 2 * LAST_SECONDS
