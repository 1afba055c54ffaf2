"""What metrics have counted since a test began; they are the process', and others count, too."""

from __future__ import annotations

from prometheus_client import REGISTRY


class Counting:
    """Of counters and of histograms' sums, by the name of the series."""

    def __init__(self) -> None:
        self._before = _values()

    def more(self, series: str, **labels: str) -> float:
        key = (series, frozenset(labels.items()))
        return _values().get(key, 0.0) - self._before.get(key, 0.0)


def _values() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }
