"""Which APIServices cannot be asked just now, with upstream's name.

Source: pkg/controllers/status/metrics of kube-aggregator 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apimachinery.conditions import is_condition_true
from apimachinery.scheme import API_SERVICES
from apiserver.aggregation.availability import AVAILABLE
from apiserver.storage.watch_cache import WatchCache
from component_base.metric_families import counter, gauge


class UnavailableServices(Collector):
    def __init__(self, cache: WatchCache, became: Mapping[tuple[str, str], int]) -> None:
        """`became`: how often one became unavailable, by its name and the reason."""
        self._cache = cache
        self._became = became

    def collect(self) -> Iterator[Metric]:
        yield gauge(
            "aggregator_unavailable_apiservice",
            "Gauge of APIServices which are marked as unavailable broken down by APIService name.",
            ["name"],
            (
                ((entry.name,), not is_condition_true(entry.obj, AVAILABLE))
                for entry in self._cache.resource(API_SERVICES).entries()
            ),
        )
        yield counter(
            "aggregator_unavailable_apiservice",
            "Counter of APIServices which are marked as unavailable broken down by APIService name and "
            "reason.",
            ["name", "reason"],
            self._became.items(),
        )
