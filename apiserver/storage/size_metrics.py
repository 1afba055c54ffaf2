"""How many bytes the store takes: asked of it now and then, told to Prometheus with upstream's name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.storage.interface import Storage, StorageError
from component_base.metric_families import gauge

log = logging.getLogger(__name__)

_PERIOD_SECONDS = 30.0
"""Upstream: --etcd-db-metric-poll-interval."""


class SizeMetrics(Collector):
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
