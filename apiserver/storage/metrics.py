"""What the watch cache tells Prometheus, with upstream's names: how much there is, and how current it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.storage.interface import Storage, StorageError
from apiserver.storage.watch_cache import WatchCache
from component_base.metric_families import counter, gauge

log = logging.getLogger(__name__)

_LABELS = ["group", "resource"]
_PERIOD_SECONDS = 30.0


class SizeMetrics(Collector):
    """How much the store takes, asked from time to time (upstream: --etcd-db-metric-poll-interval)."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._size: int | None = None

    async def run(self) -> None:
        """Never returns. While the store does not answer, the last that was heard is told."""
        while True:
            try:
                self._size = await self._storage.size()
            except StorageError as error:
                log.warning("Failed to learn the store's size: err=%s", error)
            await asyncio.sleep(_PERIOD_SECONDS)

    def collect(self) -> Iterator[Metric]:
        yield gauge(
            "apiserver_storage_size_bytes",
            "Size of the storage database file physically allocated in bytes.",
            ["storage_cluster_id"],
            [] if self._size is None else [(["etcd-0"], self._size)],
        )


class CacheMetrics(Collector):
    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        topics = [((each.resource.group, each.resource.plural), each) for each in self._cache.resources()]
        yield gauge(
            "apiserver_storage_objects",
            "[DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects at the "
            "time of last check split by kind.",
            ["resource"],
            (((each.resource.group_resource,), len(each)) for _, each in topics),
        )
        yield gauge(
            "apiserver_resource_objects",
            "Number of stored objects at the time of last check split by kind.",
            _LABELS,
            ((labels, len(each)) for labels, each in topics),
        )
        yield gauge(
            "apiserver_resource_size_estimate_bytes",
            "Estimated size of stored objects in database. Estimate is based on sum of last observed sizes "
            "of serialized objects.",
            _LABELS,
            ((labels, each.size) for labels, each in topics),
        )
        yield gauge(
            "apiserver_watch_cache_resource_version",
            "Current resource version of watch cache broken by resource type.",
            _LABELS,
            ((labels, each.revision) for labels, each in topics),
        )
        yield counter(
            "apiserver_storage_events_received",
            "Number of etcd events received split by kind.",
            _LABELS,
            ((labels, each.changes.published) for labels, each in topics),
        )
