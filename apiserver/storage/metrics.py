"""What the watch cache tells Prometheus, with upstream's names: what it holds, and what reads took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.storage.counts import Lists
from apiserver.storage.resource_cache import ResourceCache
from apiserver.storage.watch_cache import WatchCache
from component_base.metric_families import counter, gauge, histogram

_LABELS = ["group", "resource"]
_Caches = Sequence[tuple[tuple[str, str], ResourceCache]]

_GAUGES: tuple[tuple[str, str, Callable[[ResourceCache], int]], ...] = (
    ("apiserver_resource_objects", "Number of stored objects at the time of last check split by kind. In "
     "case of a fetching error, the value will be -1.", len),
    ("apiserver_resource_size_estimate_bytes", "Estimated size of stored objects in database. Estimate is "
     "based on sum of last observed sizes of serialized objects. In case of a fetching error, the value will "
     "be -1.", lambda each: each.size),
    ("apiserver_watch_cache_resource_version", "Current resource version of watch cache broken by resource "
     "type.", lambda each: each.revision),
)  # fmt: skip
_COUNTERS: tuple[tuple[str, str, Callable[[ResourceCache], int]], ...] = (
    ("apiserver_storage_events_received", "Number of etcd events received split by kind.",
     lambda each: each.changes.published),
    ("apiserver_watch_cache_events_received", "Counter of events received in watch cache broken by resource "
     "type.", lambda each: each.changes.published),
    ("apiserver_watch_cache_events_dispatched", "Counter of events dispatched in watch cache broken by "
     "resource type.", lambda each: each.changes.published),
    ("apiserver_watch_cache_initializations", "Counter of watch cache initializations broken by resource "
     "type.", lambda each: each.counts.loads),
    ("apiserver_init_events", "Counter of init events processed in watch cache broken by resource type.",
     lambda each: each.counts.loaded),
    ("apiserver_terminated_watchers", "Counter of watchers closed due to unresponsiveness broken by resource "
     "type.", lambda each: each.counts.slow_watchers),
    ("apiserver_storage_decode_errors", "Number of stored object decode errors split by object type",
     lambda each: each.counts.undecodable),
)  # fmt: skip
"""Without the `_total` at their ends."""
_STORE_LISTS: tuple[tuple[str, str, Callable[[Lists], int]], ...] = (
    ("apiserver_storage_list", "Number of LIST requests served from storage", lambda lists: lists.served),
    ("apiserver_storage_list_fetched_objects", "Number of objects read from storage in the course of serving "
     "a LIST request", lambda lists: lists.fetched),
    ("apiserver_storage_list_evaluated_objects", "Number of objects tested in the course of serving a LIST "
     "request from storage", lambda lists: lists.evaluated),
    ("apiserver_storage_list_returned_objects", "Number of objects returned for a LIST request from storage",
     lambda lists: lists.returned),
)  # fmt: skip


class CacheMetrics(Collector):
    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        caches = [((each.resource.group, each.resource.plural), each) for each in self._cache.resources()]
        yield gauge(
            "apiserver_storage_objects",
            "[DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects at the "
            "time of last check split by kind. In case of a fetching error, the value will be -1.",
            ["resource"],
            (((each.resource.group_resource,), len(each)) for _, each in caches),
        )
        for name, text, value in _GAUGES:
            yield gauge(name, text, _LABELS, [(labels, value(each)) for labels, each in caches])
        for name, text, value in _COUNTERS:
            counts = [(labels, value(each)) for labels, each in caches]
            yield counter(name, text, _LABELS, [each for each in counts if each[1]])
        yield from _lists_from_store(caches)
        yield from _lists_from_memory(caches)
        yield from _current_reads(caches)


def _lists_from_store(caches: _Caches) -> Iterator[Metric]:
    lists = [(labels, each.counts.from_store) for labels, each in caches if each.counts.from_store.served]
    for name, text, value in _STORE_LISTS:
        yield counter(name, text, _LABELS, [(labels, value(each)) for labels, each in lists])


def _lists_from_memory(caches: _Caches) -> Iterator[Metric]:
    by_index = [*_LABELS, "index"]
    lists = [
        ((*labels, index), found)
        for labels, each in caches
        for index, found in each.counts.from_cache.items()
    ]
    yield counter(
        "apiserver_cache_list",
        "Number of LIST requests served from watch cache",
        by_index,
        ((labels, each.served) for labels, each in lists),
    )
    yield counter(
        "apiserver_cache_list_fetched_objects",
        "Number of objects read from watch cache in the course of serving a LIST request",
        by_index,
        ((labels, each.fetched) for labels, each in lists),
    )
    yield counter(
        "apiserver_cache_list_returned_objects",
        "Number of objects returned for a LIST request from watch cache",
        _LABELS,
        (
            (labels, sum(lists.returned for lists in each.counts.from_cache.values()))
            for labels, each in caches
            if each.counts.from_cache
        ),
    )


def _current_reads(caches: _Caches) -> Iterator[Metric]:
    """Reads that must be current: how long it took for memory to be so, and whether that could be told."""
    yield histogram(
        "apiserver_watch_cache_read_wait_seconds",
        "Histogram of time spent waiting for a watch cache to become fresh.",
        _LABELS,
        ((labels, each.counts.waits) for labels, each in caches if each.counts.waits.count),
    )
    yield counter(
        "apiserver_watch_cache_consistent_read",
        "Counter for consistent reads from cache.",
        [*_LABELS, "success", "fallback"],
        (
            ((*labels, success, "false"), times)
            for labels, each in caches
            for success, times in (
                ("true", each.counts.consistent_reads),
                ("false", each.counts.failed_reads),
            )
            if times
        ),
    )
