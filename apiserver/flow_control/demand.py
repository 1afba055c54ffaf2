"""How many seats a priority level wanted over some time: mean, deviation, peak, and a memory of the past.

Source: pkg/util/flowcontrol/fairqueuing/integrator.go and the seatDemandStats of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

_DECAY = 0.977


class Demand:
    """`note` is told of each change; `close_period` once in a while."""

    __slots__ = (
        "_clock", "_integral", "_now", "_seats", "_squares", "_started", "deviation", "highest", "mean",
        "peak", "smoothed",
    )  # fmt: skip

    def __init__(self, clock: Callable[[], float]) -> None:
        self.smoothed = 0.0
        self.peak = 0
        """The highest so far."""
        self.highest, self.mean, self.deviation = 0, 0.0, 0.0
        """Of the last closed period."""
        self._clock = clock
        self._started = self._now = clock()
        self._seats = 0
        self._integral = self._squares = 0.0

    def note(self, seats: int, now: float) -> None:
        passed = now - self._now
        self._integral += self._seats * passed
        self._squares += self._seats * self._seats * passed
        self._now, self._seats = now, seats
        if seats > self.peak:
            self.peak = seats

    def close_period(self) -> int:
        """The peak of the period that ends, whose mean and deviation go into `smoothed`."""
        self.note(self._seats, self._clock())
        seconds = self._now - self._started
        if seconds > 0:
            self.mean = mean = self._integral / seconds
            self.deviation = sqrt(max(self._squares / seconds - mean * mean, 0.0))
            envelope = mean + self.deviation
            self.smoothed = max(envelope, _DECAY * self.smoothed + (1 - _DECAY) * envelope)
        self.highest, self.peak = self.peak, self._seats
        self._started = self._now
        self._integral = self._squares = 0.0
        return self.highest
