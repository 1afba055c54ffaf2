"""What is counted about events that watchers are sent."""

from __future__ import annotations

import pytest

from apimachinery.scheme import PODS
from apiserver.sent_events import SentMetrics


@pytest.mark.parametrize(
    ("events", "size", "bound"),
    [
        (1, 1, "1024.0"), (1, 1024, "1024.0"), (1, 1025, "2048.0"), (3, 3 * 1024, "1024.0"),
        (1, 128 << 10, "131072.0"), (1, (128 << 10) + 1, "+Inf"), (1, 9 << 20, "+Inf"),
    ],
)  # fmt: skip
def test_a_piece_is_counted_by_the_size_of_its_events(events: int, size: int, bound: str) -> None:
    metrics = SentMetrics()
    metrics.of(PODS).note(events, size)
    found = [each for family in metrics.collect() for each in family.samples]
    buckets = [each for each in found if each.name == "apiserver_watch_events_sizes_bucket"]
    assert next(each.labels["le"] for each in buckets if each.value) == bound
    total = next(each for each in found if each.name == "apiserver_watch_events_total")
    assert (total.value, total.labels) == (events, {"group": "", "version": "v1", "resource": "pods"})
    assert next(each.value for each in found if each.name.endswith("_sum")) == size


def test_it_is_told_how_soon_watchers_know_all_that_is_there() -> None:
    metrics = SentMetrics()
    metrics.of(PODS).listed("namespace", 0.3)
    found = [each for family in metrics.collect() for each in family.samples]
    (total,) = (each for each in found if each.name == "apiserver_watch_list_duration_seconds_sum")
    labels = {"group": "", "version": "v1", "resource": "pods", "scope": "namespace"}
    assert (total.value, total.labels) == (0.3, labels)
