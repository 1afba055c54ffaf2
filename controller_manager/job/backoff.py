"""How long a Job waits after failed pods: 10 s, doubled with each failure since the last success. Pure.

Source: pkg/controller/job/backoff_utils.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object
from component_base.backoff import exponential
from controller_manager.job.pods import failures_of, finished_at

FIRST_SECONDS, LAST_SECONDS = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Failures:
    """Those since the last success, of the whole Job."""

    count: int = 0
    last: datetime | None = None

    def after(self, succeeded: Sequence[Object], failed: Sequence[Object]) -> Failures:
        """With pods that ended meanwhile."""
        if succeeded:
            success = max(map(finished_at, succeeded))
            times = [each for each in map(finished_at, failed) if each > success]
            return Failures(len(times), max(times, default=None))
        if not failed:
            return self
        return Failures(self.count + len(failed), max(map(finished_at, failed)))

    def remaining(self, now: datetime) -> float:
        """Seconds until the next pod may be made."""
        return _remaining(self.count, self.last, now)


def remaining_of_index(last_failed: Object | None, now: datetime) -> float:
    """Seconds until an index may have its next pod; `last_failed` knows of those before it."""
    if last_failed is None:
        return 0.0
    return _remaining(sum(failures_of(last_failed)) + 1, finished_at(last_failed), now)


def _remaining(failures: int, last: datetime | None, now: datetime) -> float:
    if not failures or last is None:
        return 0.0
    seconds = exponential(FIRST_SECONDS, LAST_SECONDS, failures - 1)
    return max(seconds - (now - last).total_seconds(), 0.0)
