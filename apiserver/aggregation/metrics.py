"""Which APIServices cannot be asked just now, with upstream's name.

Source: pkg/controllers/status/metrics of kube-aggregator 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apimachinery.conditions import find_condition
from apimachinery.objects import get_path
from apimachinery.scheme import API_SERVICES
from apiserver.aggregation.availability import AVAILABLE
from apiserver.storage.watch_cache import WatchCache


class UnavailableServices(Collector):
    def __init__(self, cache: WatchCache, became: Mapping[tuple[str, str], int]) -> None:
        """`became`: how often one became unavailable, by its name and the reason."""
        self._cache = cache
        self._became = became

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "aggregator_unavailable_apiservice",
            "Gauge of APIServices which are marked as unavailable broken down by APIService name.",
            labels=["name"],
        )
        for entry in self._cache.resource(API_SERVICES).entries():
            condition = find_condition(get_path(entry.obj, "status.conditions") or (), AVAILABLE)
            is_available = condition is not None and condition["status"] == "True"
            family.add_metric([entry.name], 0 if is_available else 1)
        yield family
        total = CounterMetricFamily(
            "aggregator_unavailable_apiservice",
            "Counter of APIServices which are marked as unavailable broken down by APIService name and "
            "reason.",
            labels=["name", "reason"],
        )
        for labels, count in self._became.items():
            total.add_metric(labels, count)
        yield total
