"""How long clients are told to wait: the longer, the more requests have been refused lately.

Source: pkg/util/flowcontrol/dropped_requests_tracker.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_LONGEST = 32


class RetryAfter:
    """Doubles when three requests a second were refused over its own length, shrinks when it is quiet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds = 1
        self._clock = clock
        self._history: deque[tuple[int, int]] = deque()
        """(second, refusals), the current second last."""
        self._raised_at = 0

    def note_refusal(self) -> None:
        now = int(self._clock())
        if self._history and self._history[-1][0] == now:
            self._history[-1] = (now, self._history[-1][1] + 1)
            return
        self._adapt(now)
        self._history.append((now, 1))
        while now - self._history[0][0] > 2 * _LONGEST:
            self._history.popleft()

    def _adapt(self, now: int) -> None:
        refused = sum(count for second, count in self._history if now - second <= self.seconds)
        if now - self._raised_at >= self.seconds and refused >= 3 * self.seconds:
            self.seconds, self._raised_at = min(self.seconds * 2, _LONGEST), now
        elif refused < self.seconds and self.seconds > 1:
            self.seconds -= 1
