"""What is counted of the requests of one FlowSchema in its level."""

from __future__ import annotations

from collections import Counter

from component_base.metrics import Tally

SECONDS_BUCKETS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)


class FlowStats:
    __slots__ = (
        "dispatched", "executing", "executing_seats", "executions", "level", "queue_lengths", "queued",
        "queued_seats", "rejected", "schema", "unaccommodated", "waits", "watchers", "watches", "work",
    )  # fmt: skip

    def __init__(self, level: str, schema: str) -> None:
        self.level = level
        self.schema = schema
        self.dispatched = 0
        self.rejected: dict[str, int] = {}
        self.queued = self.queued_seats = 0
        self.executing = self.executing_seats = 0
        self.waits = Tally(SECONDS_BUCKETS)
        self.executions, self.watches = Tally(SECONDS_BUCKETS), Tally(SECONDS_BUCKETS)
        self.work: Counter[int] = Counter()
        """How many requests were to take so many seats."""
        self.watchers: Counter[int] = Counter()
        """How many writes were to be told to so many watchers."""
        self.queue_lengths: Counter[int] = Counter()
        """How many requests were in a queue of that length once they were in it."""
        self.unaccommodated = 0
        """How often the next in turn needed more seats than there were."""

    def reject(self, reason: str) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1

    def enqueue(self, seats: int) -> None:
        self.queued += 1
        self.queued_seats += seats

    def dequeue(self, seats: int) -> None:
        self.queued -= 1
        self.queued_seats -= seats

    def execute(self, seats: int, waited: float) -> None:
        self.dispatched += 1
        self.executing += 1
        self.executing_seats += seats
        self.waits.observe(waited)

    def finish(self, seats: int, seconds: float, *, is_watch: bool) -> None:
        self.executing -= 1
        self.executing_seats -= seats
        (self.watches if is_watch else self.executions).observe(seconds)
