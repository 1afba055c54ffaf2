"""For how long which part of a priority level was taken: each nanosecond is one observation, as upstream."""

from __future__ import annotations

from collections.abc import Mapping

from apiserver.flow_control.demand import State
from component_base.metrics import Tally

_SEATS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_REQUESTS = (0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1)
_DEMAND = (0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6)
_NANOSECONDS = 1e9


class Utilization:
    def __init__(self) -> None:
        self.seats = Tally(_SEATS)
        self.executing, self.waiting = Tally(_REQUESTS), Tally(_REQUESTS)
        self.demand = Tally(_DEMAND)

    def add(self, spent: Mapping[State, float], seats: int, places: int) -> None:
        """A period in which the level had so many seats, and places to wait in."""
        for (executing, waiting, taken, wanted), seconds in spent.items():
            times = round(seconds * _NANOSECONDS)
            self.seats.observe_often(taken / seats, times)
            self.executing.observe_often(executing / seats, times)
            self.waiting.observe_often(waiting / places, times)
            self.demand.observe_often((taken + wanted) / seats, times)
