"""Histograms that are cheap to fill, and how metrics are told."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

import pytest
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from component_base.metric_filters import Filters
from component_base.metrics import Exposition, Tally, tell_compatibility
from component_base.version import version_info

BUCKETS = [("+Inf", 1)]


def test_a_tally_counts_what_is_up_to_each_bound() -> None:
    tally, other = Tally((1, 2.5)), Tally((1, 2.5))
    for value in (0.5, 1, 2, 9):
        tally.observe(value)
    other.observe_often(2, 3)
    tally.add(other)
    assert (tally.count, tally.total) == (7, 18.5)
    assert tally.cumulative() == [("1.0", 2), ("2.5", 6), ("+Inf", 7)]


@pytest.mark.parametrize(
    ("family", "help"),
    [
        (CounterMetricFamily("apiserver_request", "a", value=1), "apiserver_request_total [STABLE] a"),
        (HistogramMetricFamily("scheduler_pod_scheduling_sli_duration_seconds", "b", BUCKETS, 1), "[BETA] b"),
        (GaugeMetricFamily("kubernetes_build_info", "c", value=1), "[ALPHA] c"),
        (GaugeMetricFamily("apiserver_flowcontrol_demand_seats", "d", value=1), "EXPERIMENTAL: [ALPHA] d"),
        (CounterMetricFamily("process_cpu_seconds", "d", value=1), "process_cpu_seconds_total d"),
    ],
)
def test_a_metric_tells_how_far_to_rely_on_it(family: Metric, help: str) -> None:
    registry = CollectorRegistry()
    registry.register(Families(family))
    for _ in range(2):
        assert Exposition().text(registry).decode().splitlines()[0].endswith(help)


class Families(Collector):
    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return map(copy, self._families)


def test_a_metric_without_a_series_says_nothing() -> None:
    registry = CollectorRegistry()
    registry.register(Families(GaugeMetricFamily("kubelet_evictions", "")))
    assert Exposition().text(registry) == b""


def test_counters_are_counters_whatever_they_are_called() -> None:
    registry = CollectorRegistry()
    registry.register(
        Families(
            *(GaugeMetricFamily(each, "", value=1) for each in ("kubelet_evictions", "kubelet_evictions_x"))
        )
    )
    lines = Exposition().text(registry).decode().splitlines()
    assert "# TYPE kubelet_evictions counter" in lines
    assert "# TYPE kubelet_evictions_x gauge" in lines


@pytest.mark.parametrize(("shown", "hidden"), [("", "1.0"), ("1.33", "0.0")])
def test_it_is_told_how_many_metrics_there_are(shown: str, hidden: str) -> None:
    registry, exposition = CollectorRegistry(), Exposition()
    names = (
        "scheduler_pending_pods",
        "kubernetes_build_info",
        "apiserver_request_sli_duration_seconds",
        "process_a",
    )
    registry.register(Families(*(GaugeMetricFamily(each, "") for each in names)))
    exposition.restrict(Filters(shows_hidden=bool(shown)))
    lines = exposition.whole_text(registry).decode().splitlines()
    registered = 'registered_metrics_total{deprecated_version="",stability_level="%s"} %s'
    assert {registered % ("ALPHA", "2.0"), registered % ("STABLE", "1.0")} <= {*lines}
    assert f"hidden_metrics_total {hidden}" in lines


def test_it_is_told_which_versions_this_one_stands_for() -> None:
    tell_compatibility(version_info())
    labels = {"component": "kube", "binary": "1.34.0", "emulation": "1.34", "min_compat": "1.33"}
    assert REGISTRY.get_sample_value("version_info", labels) == 1
