"""Families of metrics made when Prometheus asks, of what hot paths have counted in their own way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from component_base.metrics import Tally

F = TypeVar("F", CounterMetricFamily, GaugeMetricFamily)
Samples = Iterable[tuple[Sequence[str], float]]
"""Values with the labels' values."""


def counter(name: str, help: str, labels: Sequence[str], samples: Samples) -> Metric:
    """`name` is without the `_total` at its end."""
    return _filled(CounterMetricFamily(name, help, labels=labels), samples)


def gauge(name: str, help: str, labels: Sequence[str], samples: Samples) -> Metric:
    return _filled(GaugeMetricFamily(name, help, labels=labels), samples)


def histogram(
    name: str, help: str, labels: Sequence[str], tallies: Iterable[tuple[Sequence[str], Tally]]
) -> Metric:
    family = HistogramMetricFamily(name, help, labels=labels)
    for values, tally in tallies:
        family.add_metric(values, tally.cumulative(), tally.total)
    return family


def _filled(family: F, samples: Samples) -> F:
    for values, value in samples:
        family.add_metric(values, value)
    return family
