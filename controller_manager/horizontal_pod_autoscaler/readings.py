"""What the three metrics APIs answer, as numbers. Pure; values are thousandths.

Source: pkg/controller/podautoscaler/metrics/client.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.durations import parse_duration
from apimachinery.objects import Object, name_of
from apimachinery.quantity import Quantity
from apimachinery.times import time_or_zero
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError

DEFAULT_WINDOW = 60.0
"""Seconds that a custom metric is taken over, where its server does not say."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pod uses, or shows, as of a time and over the seconds before it."""

    value: int
    time: datetime
    window: float


Readings = Mapping[str, Reading]
"""By the pod's name."""


def resource_readings(items: Sequence[Object], resource: str, container: str) -> Readings:
    """Of PodMetrics: of all containers together, or of the one named. Raises MetricsError."""
    if not items:
        raise MetricsError("no metrics returned from resource metrics API")
    return {name_of(item): reading for item in items if (reading := _reading(item, resource, container))}


def _reading(item: Object, resource: str, container: str) -> Reading | None:
    usages = [each["usage"] for each in item["containers"] if container in ("", each["name"])]
    if not usages or any(resource not in each for each in usages):
        return None
    value = sum(_milli(each[resource]) for each in usages)
    return Reading(value, time_or_zero(item.get("timestamp")), parse_duration(item["window"]))


def custom_readings(items: Sequence[Object]) -> Readings:
    """Of MetricValues of pods. Raises MetricsError."""
    if not items:
        raise MetricsError("no metrics returned from custom metrics API")
    return {each["describedObject"]["name"]: _custom(each) for each in items}


def _custom(item: Object) -> Reading:
    seconds = item.get("windowSeconds")
    return Reading(
        _milli(item["value"]),
        time_or_zero(item.get("timestamp")),
        DEFAULT_WINDOW if seconds is None else float(seconds),
    )


def object_value(items: Sequence[Object]) -> int:
    """Of the MetricValue of one object. Raises MetricsError."""
    if len(items) != 1:
        text = f"the custom metrics API server returned {len(items)} results when we asked for exactly one"
        raise MetricsError(text)
    return _milli(items[0]["value"])


def external_value(items: Sequence[Object]) -> int:
    """All ExternalMetricValues together. Raises MetricsError."""
    if not items:
        raise MetricsError("no metrics returned from external metrics API")
    return sum(_values(items))


def _values(items: Sequence[Object]) -> Iterator[int]:
    return (_milli(each["value"]) for each in items)


def _milli(quantity: str) -> int:
    return Quantity.parse(quantity).milli_value()
