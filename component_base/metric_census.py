"""How many metrics there are, told with them: by how far to rely on them, and how many are hidden. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from component_base.metric_filters import HIDDEN, full_name
from component_base.metric_stability import level_of


@dataclass(frozen=True, slots=True)
class Counted:
    """A collector of another's metrics, and of their number. Those of other projects do not count."""

    collector: Collector
    shows_hidden: bool

    def collect(self) -> Iterable[Metric]:
        names = []
        for family in self.collector.collect():
            names.append(full_name(family))
            yield family
        yield from _census(names, self.shows_hidden)


def _census(names: Iterable[str], shows_hidden: bool) -> Iterator[Metric]:
    known = {name: level for name in names if (level := level_of(name))}
    registered = CounterMetricFamily(
        "registered_metrics",
        "The count of registered metrics broken by stability level and deprecation version.",
        labels=["stability_level", "deprecated_version"],
    )
    for level, count in sorted(Counter(known.values()).items()):
        registered.add_metric([level, ""], count)
    hidden = 0 if shows_hidden else len(HIDDEN.keys() & known.keys())
    yield registered
    yield CounterMetricFamily("hidden_metrics", "The count of hidden metrics.", value=hidden)
