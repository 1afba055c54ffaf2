"""Prometheus metrics with upstream's names and buckets; each daemon declares its own in its `metrics.py`."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.feature_table import FEATURES
from component_base.features import FeatureGates
from component_base.metric_census import Counted
from component_base.metric_filters import Filters, full_name
from component_base.metric_stability import described
from component_base.metric_types import with_types

__all__ = [
    "CONTENT_TYPE",
    "DEFAULT_BUCKETS",
    "EXPOSITION",
    "LATENCY_BUCKETS",
    "QUEUE_BUCKETS",
    "Counter",
    "Gauge",
    "Histogram",
    "Tally",
    "collected",
    "render",
    "tell_compatibility",
    "tell_features",
    "tell_version",
]

_BUILD = Gauge(
    "kubernetes_build_info",
    "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, "
    "build date, Go version, and compiler from which Kubernetes was built, and platform on which it is "
    "running.",
    [
        "build_date", "compiler", "git_commit", "git_tree_state", "git_version", "go_version", "major",
        "minor", "platform",
    ],
)  # fmt: skip

_COMPATIBILITY = Gauge(
    "version_info",
    "Provides the compatibility version info of the component. The component label is the name of the "
    "component, usually kube, but is relevant for aggregated-apiservers.",
    ["component", "binary", "emulation", "min_compat"],
)

_FEATURES = Gauge(
    "kubernetes_feature_enabled",
    "This metric records the data about the stage and enablement of a k8s feature.",
    ["name", "stage"],
)

_DISABLED = Counter("disabled_metrics_total", "The count of disabled metrics.")

disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream has none either

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: those of Prometheus' library for Go, where upstream names none."""

LATENCY_BUCKETS = tuple(0.001 * 2**power for power in range(15))
"""Seconds from 1 ms to 16 s."""

QUEUE_BUCKETS = tuple(10.0**power for power in range(-8, 2))
"""Seconds from 10 ns to 10 s, as upstream's work queues have them."""


_SLICE = 100
"""Samples that are told at a time, where there are many: a millisecond or two."""


class Tally:
    """What a histogram counts, for hot paths: a bisect and two additions. Its owner shows it when asked."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_often(self, value: float, times: int) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def add(self, other: Tally) -> None:
        """All that another one with the same bounds has counted."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    @property
    def count(self) -> int:
        return sum(self.counts)

    def cumulative(self) -> list[tuple[str, float]]:
        """Buckets as a HistogramMetricFamily takes them."""
        below = 0
        result: list[tuple[str, float]] = []
        for bound, count in zip((*map(float, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            result.append((str(bound), below))
        return result


def tell_version(version: Mapping[str, str]) -> None:
    """kubernetes_build_info, of what /version answers."""
    names = {
        "build_date": "buildDate", "compiler": "compiler", "git_commit": "gitCommit",
        "git_tree_state": "gitTreeState", "git_version": "gitVersion", "go_version": "goVersion",
        "major": "major", "minor": "minor", "platform": "platform",
    }  # fmt: skip
    _BUILD.labels(**{label: version[key] for label, key in names.items()}).set(1)


def tell_compatibility(version: Mapping[str, str]) -> None:
    """version_info, of what /version answers; upstream's nodes do not tell it."""
    emulation = f"{version['emulationMajor']}.{version['emulationMinor']}"
    least = f"{version['minCompatibilityMajor']}.{version['minCompatibilityMinor']}"
    _COMPATIBILITY.labels("kube", version["gitVersion"].removeprefix("v"), emulation, least).set(1)


def tell_features(gates: FeatureGates) -> None:
    """kubernetes_feature_enabled, of every gate that there is."""
    for name, feature in FEATURES.items():
        _FEATURES.labels(name, feature.stage.value).set(gates.enabled(name))


@contextmanager
def collected(*collectors: Collector) -> Iterator[None]:
    """They are asked at each scrape meanwhile."""
    with ExitStack() as stack:
        for each in collectors:
            REGISTRY.register(each)
            stack.callback(REGISTRY.unregister, each)
        yield


class Exposition:
    """How this process tells its metrics, whichever registry they are of."""

    def __init__(self) -> None:
        self._filters = Filters()

    def restrict(self, filters: Filters) -> None:
        """Tells no more than these let pass, from now on."""
        self._filters = filters
        _DISABLED.inc(len(filters.disabled))

    def text(self, collector: Collector) -> bytes:
        return with_types(generate_latest(_Told(collector, self._filters)))

    def whole_text(self, collector: Collector) -> bytes:
        """With how many there are."""
        return self.text(Counted(collector, self._filters.shows_hidden))

    async def text_in_slices(self, families: Iterable[Metric]) -> bytes:
        """Of families so large that others are to have their turn meanwhile."""
        pieces = []
        for family in _told(families, self._filters):
            for begin in range(0, max(len(family.samples), 1), _SLICE):
                text = with_types(generate_latest(_Slice(family, begin)))
                pieces.append(text.split(b"\n", 2)[2] if begin else text)
                await asyncio.sleep(0)
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class _Told:
    """A collector of what the filters leave of another."""

    collector: Collector
    filters: Filters

    def collect(self) -> Iterable[Metric]:
        return _told(self.collector.collect(), self.filters)


def _told(families: Iterable[Metric], filters: Filters) -> Iterator[Metric]:
    """Families are made anew for who asks, and may be written to. Those without a series say nothing."""
    for family in filters.apply(families):
        if not family.samples:
            continue
        family.documentation = described(full_name(family), family.documentation)
        yield family


@dataclass(frozen=True, slots=True)
class _Slice:
    """A collector of some of a family's samples."""

    family: Metric
    begin: int

    def collect(self) -> Iterable[Metric]:
        part = Metric(self.family.name, self.family.documentation, self.family.type)
        part.samples = self.family.samples[self.begin : self.begin + _SLICE]
        yield part


EXPOSITION = Exposition()


def render() -> bytes:
    """Every metric of this process in the text format."""
    return EXPOSITION.whole_text(REGISTRY)
