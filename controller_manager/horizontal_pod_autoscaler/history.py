"""What was recommended and done lately, by autoscaler: kept in memory, as upstream does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


class Recommendation(NamedTuple):
    time: datetime
    replicas: int


class Change(NamedTuple):
    time: datetime
    replicas: int
    """More than before, or less if negative."""


LONGEST = timedelta(hours=1)
"""No window is longer: the API allows 3600 seconds of stabilization and 1800 of a policy."""


@dataclass(slots=True)
class History:
    recommendations: list[Recommendation] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def begin(self, replicas: int, now: datetime) -> None:
        """What was there when we first looked counts as recommended."""
        if not self.recommendations:
            self.recommend(replicas, now)

    def recommend(self, replicas: int, now: datetime) -> None:
        self.recommendations = [each for each in self.recommendations if each.time > now - LONGEST]
        self.recommendations.append(Recommendation(now, replicas))

    def change(self, replicas: int, now: datetime) -> None:
        self.changes = [each for each in self.changes if each.time > now - LONGEST]
        self.changes.append(Change(now, replicas))

    def since(self, moment: datetime) -> Sequence[int]:
        """What was recommended after it."""
        return [each.replicas for each in self.recommendations if each.time > moment]

    def changed_since(self, moment: datetime) -> int:
        """How many replicas more there are than at that time, as far as it was the autoscaler's doing."""
        return sum(each.replicas for each in self.changes if each.time > moment)
