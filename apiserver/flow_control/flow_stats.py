"""What is counted of the requests of one FlowSchema in its level."""

from __future__ import annotations

from component_base.metrics import Tally

WAIT_BUCKETS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
EXECUTION_BUCKETS = (
    0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0,
)  # fmt: skip


class FlowStats:
    __slots__ = (
        "dispatched", "executing", "executing_seats", "executions", "level", "queued", "queued_seats",
        "rejected", "schema", "waits",
    )  # fmt: skip

    def __init__(self, level: str, schema: str) -> None:
        self.level = level
        self.schema = schema
        self.dispatched = 0
        self.rejected: dict[str, int] = {}
        self.queued = self.queued_seats = 0
        self.executing = self.executing_seats = 0
        self.waits = Tally(WAIT_BUCKETS)
        self.executions = Tally(EXECUTION_BUCKETS)

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

    def finish(self, seats: int, seconds: float) -> None:
        self.executing -= 1
        self.executing_seats -= seats
        self.executions.observe(seconds)
