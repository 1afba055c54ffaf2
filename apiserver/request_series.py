"""Everything that is counted of requests with the same labels; `metrics` finds it and tells it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from component_base.metrics import Tally

BUCKETS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
)  # fmt: skip
_OWN_BUCKETS = BUCKETS[BUCKETS.index(0.05) :]
_SIZE_BUCKETS = tuple(1000.0 * 10**power for power in range(7))
BODY_BUCKETS = tuple(range(50_000, 3_100_000, 100_000))


@dataclass(slots=True)
class RequestSeries:
    """`labels`: verb, dry run, group, version, resource, subresource, scope and component."""

    labels: tuple[str, ...]
    codes: dict[int, int] = field(default_factory=dict)
    terminations: dict[int, int] = field(default_factory=dict)
    durations: Tally = field(default_factory=lambda: Tally(BUCKETS))
    own_durations: Tally = field(default_factory=lambda: Tally(_OWN_BUCKETS))
    """Without what was others' time."""
    sizes: Tally = field(default_factory=lambda: Tally(_SIZE_BUCKETS))
    """Of answers to reads, in bytes."""
    received: Tally = field(default_factory=lambda: Tally(BODY_BUCKETS))
    """Of the bodies of writes, in bytes."""
    aborts: int = 0
    is_deprecated: bool = False
    under_way: int = 0

    @property
    def merged_labels(self) -> tuple[str, ...]:
        """For families that do not tell dry runs apart."""
        return (self.labels[0], *self.labels[2:])

    @property
    def is_long_running(self) -> bool:
        return self.labels[0] in ("WATCH", "CONNECT") or self.labels[5] == "log"

    def observe(self, code: int, seconds: float, waited: float = 0.0) -> None:
        self.codes[code] = self.codes.get(code, 0) + 1
        self.durations.observe(seconds)
        self.own_durations.observe(seconds - waited)

    def terminate(self, code: int) -> None:
        """A request that the server ended to protect itself."""
        self.terminations[code] = self.terminations.get(code, 0) + 1

    @contextmanager
    def running(self) -> Iterator[None]:
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
