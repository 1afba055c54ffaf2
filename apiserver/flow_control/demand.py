"""How many seats a priority level wanted over some time: mean, deviation, peak, and a memory of the past.

Source: pkg/util/flowcontrol/fairqueuing/integrator.go and the seatDemandStats of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt

_DECAY = 0.977

State = tuple[int, int, int, int]
"""Of a level: requests that are served, those that wait, and the seats of either."""


class Demand:
    """`note` is told of each change; `close_period` once in a while."""

    __slots__ = ("_clock", "_since", "_spent", "_state", "deviation", "highest", "mean", "smoothed")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.smoothed = 0.0
        self.highest, self.mean, self.deviation = 0, 0.0, 0.0
        """Of the last closed period."""
        self._clock = clock
        self._since = clock()
        self._state: State = (0, 0, 0, 0)
        self._spent: dict[State, float] = {}

    def note(self, state: State, now: float) -> None:
        spent, before = self._spent, self._state
        spent[before] = spent.get(before, 0.0) + now - self._since
        self._state, self._since = state, now

    def close_period(self) -> Mapping[State, float]:
        """The seconds spent in each state; mean and deviation of the seats wanted go into `smoothed`."""
        self.note(self._state, self._clock())
        spent, self._spent = self._spent, {}
        wanted = [(seats + waiting, seconds) for (_, _, seats, waiting), seconds in spent.items()]
        self.highest = max(seats for seats, _ in wanted)
        total = sum(seconds for _, seconds in wanted)
        if total > 0:
            self.mean = mean = sum(seats * seconds for seats, seconds in wanted) / total
            squares = sum(seats * seats * seconds for seats, seconds in wanted)
            self.deviation = sqrt(max(squares / total - mean * mean, 0.0))
            envelope = mean + self.deviation
            self.smoothed = max(envelope, _DECAY * self.smoothed + (1 - _DECAY) * envelope)
        return spent
