"""What is counted of watches, with upstream's names: events and their sizes, and how long initial lists take.

Stores hand the counters out, watches count in them; Prometheus' own objects are made when somebody scrapes.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from apimachinery.scheme import Resource
from component_base.metric_families import histogram
from component_base.metrics import Tally

_LABELS = ["group", "version", "resource"]
_LIST_BUCKETS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60)
_BOUNDS = (*(str(float(1024 << power)) for power in range(8)), "+Inf")


class SentEvents:
    """Of one resource. `buckets` count events by size, in powers of two from 1 to 128 KiB."""

    __slots__ = ("buckets", "events", "lists", "size")

    def __init__(self) -> None:
        self.events = self.size = 0
        self.buckets = [0] * len(_BOUNDS)
        self.lists: dict[str, Tally] = {}
        """Seconds until watchers had been sent all that was there, by scope."""

    def note(self, events: int, size: int) -> None:
        """One piece with so many events, at least one; each counts as large as they are on average."""
        self.events += events
        self.size += size
        self.buckets[min(((size - 1) // events >> 10).bit_length(), 8)] += events

    def listed(self, scope: str, seconds: float) -> None:
        self.lists.setdefault(scope, Tally(_LIST_BUCKETS)).observe(seconds)


class SentMetrics(Collector):
    """Of all resources."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str, str], SentEvents] = {}

    def of(self, resource: Resource) -> SentEvents:
        key = (resource.group, resource.version, resource.plural)
        found = self._sent.get(key)
        if found is None:
            found = self._sent[key] = SentEvents()
        return found

    def collect(self) -> Iterator[Metric]:
        totals = CounterMetricFamily(
            "apiserver_watch_events", "Number of events sent in watch clients", labels=_LABELS
        )
        sizes = HistogramMetricFamily(
            "apiserver_watch_events_sizes", "Watch event size distribution in bytes", labels=_LABELS
        )
        for labels, sent in self._sent.items():
            totals.add_metric(labels, sent.events)
            below, buckets = 0, []
            for bound, count in zip(_BOUNDS, sent.buckets, strict=True):
                below += count
                buckets.append((bound, below))
            sizes.add_metric(labels, buckets, sent.size)
        yield from (totals, sizes)
        yield histogram(
            "apiserver_watch_list_duration_seconds",
            "Response latency distribution in seconds for watch list requests broken by group, version, "
            "resource and scope.",
            [*_LABELS, "scope"],
            (
                ((*labels, scope), tally)
                for labels, sent in self._sent.items()
                for scope, tally in sent.lists.items()
            ),
        )
