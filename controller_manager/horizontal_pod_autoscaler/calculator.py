"""How many replicas a metric asks for. Pure; usages and targets are thousandths.

Source: pkg/controller/podautoscaler/replica_calculator.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from apimachinery.objects import Object
from controller_manager.horizontal_pod_autoscaler.pods import (
    Groups,
    check_any,
    group_pods,
    ready_count,
    requests,
)
from controller_manager.horizontal_pod_autoscaler.readings import Readings
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError, Settings

MAX_INT32 = (1 << 31) - 1
Values = Mapping[str, int]


class Asked(NamedTuple):
    """How many replicas, and what was found: the average of a pod, or the whole where pods don't matter."""

    replicas: int
    usage: int
    utilization: int = 0
    """Percent of what is requested."""


@dataclass(frozen=True, slots=True)
class Calculator:
    """For one target: how many replicas it should have now, and the pods that its selector finds."""

    current: int
    pods: Sequence[Object]
    settings: Settings
    now: datetime

    def by_utilization(self, readings: Readings, resource: str, container: str, target: int) -> Asked:
        """`target` is percent of the pods' requests. Raises MetricsError."""
        groups, values = self._grouped(readings, resource)
        requested = requests(self.pods, resource, container)

        def ratio(values: Values) -> float:
            return _utilization(values, requested) / target

        def when_missing(name: str) -> int:
            return requested[name] * max(100, target) // 100

        replicas = self._replicas(groups, values, ratio, when_missing)
        known = [value for name, value in values.items() if name in requested]
        return Asked(replicas, sum(known) // len(known), _utilization(values, requested))

    def by_average(self, readings: Readings, resource: str, target: int) -> Asked:
        """`target` is what a pod is to use or show. Raises MetricsError."""
        groups, values = self._grouped(readings, resource)

        def ratio(values: Values) -> float:
            return _average(values) / target

        return Asked(self._replicas(groups, values, ratio, lambda _: target), _average(values))

    def by_value(self, usage: int, target: int) -> Asked:
        """Of something that is not a pod's. Raises MetricsError."""
        ratio = usage / target
        if self.current == 0:
            return Asked(math.ceil(ratio), usage)
        if self.settings.tolerances.cover(ratio):
            return Asked(self.current, usage)
        try:
            ready = ready_count(self.pods)
        except MetricsError as error:
            raise MetricsError(f"unable to calculate ready pods: {error}") from None
        return Asked(min(math.ceil(ratio * ready), MAX_INT32), usage)

    def by_share(self, usage: int, target: int, replicas: int) -> Asked:
        """Of something that is not a pod's, but of which each of the `replicas` is to have so much."""
        share = math.ceil(usage / replicas) if replicas else 0
        if replicas and self.settings.tolerances.cover(usage / (target * replicas)):
            return Asked(replicas, share)
        return Asked(min(math.ceil(usage / target), MAX_INT32), share)

    def _grouped(self, readings: Readings, resource: str) -> tuple[Groups, dict[str, int]]:
        """The pods, and the values of those that count."""
        check_any(self.pods)
        groups = group_pods(self.pods, readings, resource, self.settings, self.now)
        left_out = groups.ignored | groups.unready
        values = {name: each.value for name, each in readings.items() if name not in left_out}
        if not values:
            raise MetricsError("did not receive metrics for targeted pods (pods might be unready)")
        return groups, values

    def _replicas(
        self,
        groups: Groups,
        values: Values,
        ratio: Callable[[Values], float],
        when_missing: Callable[[str], int],
    ) -> int:
        """Pods of which nothing is known are taken for what speaks most against doing anything."""
        known = ratio(values)
        is_growing = known > 1.0
        if not groups.missing and not (groups.unready and is_growing):
            return self.current if self.settings.tolerances.cover(known) else math.ceil(known * groups.ready)
        filled = dict(values)
        if known != 1.0:
            filled |= {name: 0 if is_growing else when_missing(name) for name in groups.missing}
        if is_growing:
            filled |= dict.fromkeys(groups.unready, 0)
        guessed = ratio(filled)
        if self.settings.tolerances.cover(guessed) or (known - 1.0) * (guessed - 1.0) < 0:
            return self.current
        wanted = math.ceil(guessed * len(filled))
        turns = wanted > self.current if guessed < 1.0 else wanted < self.current
        return self.current if turns else wanted


def _utilization(values: Values, requested: Values) -> int:
    """Percent. Raises MetricsError."""
    known = [name for name in values if name in requested]
    total = sum(requested[name] for name in known)
    if total == 0:
        raise MetricsError("no metrics returned matched known pods")
    return sum(values[name] for name in known) * 100 // total


def _average(values: Values) -> int:
    return sum(values.values()) // len(values)
