"""A Storage that is timed: etcd_request_duration_seconds and its sisters, with upstream's names.

Source: pkg/storage/etcd3/metrics/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apimachinery.scheme import BUILTIN, EVENTS_GROUP
from apiserver.request_series import BUCKETS
from apiserver.storage.interface import KeyValue, Page, Storage, StorageUnreachable
from apiserver.storage.keys import ROOT, prefixes
from apiserver.storage.wrapped import WrappedStorage
from component_base.metric_families import counter, histogram
from component_base.metrics import Tally

T = TypeVar("T")
GroupResource = tuple[str, str]

_LABELS = ["operation", "group", "resource"]
_BY_PREFIX: dict[str, GroupResource] = {
    each.storage_prefix: (each.group, each.plural) for each in BUILTIN if each.group != EVENTS_GROUP
}


@dataclass(slots=True)
class _Series:
    labels: tuple[str, str, str]
    durations: Tally = field(default_factory=lambda: Tally(BUCKETS))
    errors: int = 0


class ObservedStorage(WrappedStorage, Collector):
    """See `Storage`. Conflicts and the like are answers, not errors: that is only a store that gave none."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self._series: dict[tuple[str, GroupResource], _Series] = {}

    async def _timed(self, operation: str, key: str, answer: Awaitable[T]) -> T:
        kind = (operation, resource_of(key))
        series = self._series.get(kind)
        if series is None:
            series = self._series[kind] = _Series((operation, *kind[1]))
        began = perf_counter()
        try:
            return await answer
        except StorageUnreachable:
            series.errors += 1
            raise
        finally:
            series.durations.observe(perf_counter() - began)

    async def get(self, key: str) -> KeyValue | None:
        return await self._timed("get", key, self._storage.get(key))

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        page = self._storage.list(prefix, revision=revision, limit=limit, start_after=start_after)
        return await self._timed("list", prefix, page)

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        return await self._timed("create", key, self._storage.create(key, value, lease=lease))

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        return await self._timed("update", key, self._storage.update(key, value, revision, lease=lease))

    async def delete(self, key: str, revision: int) -> int:
        return await self._timed("delete", key, self._storage.delete(key, revision))

    async def current_revision(self) -> int:
        return await self._timed("getCurrentResourceVersion", "", self._storage.current_revision())

    def collect(self) -> Iterator[Metric]:
        series = list(self._series.values())
        yield histogram(
            "etcd_request_duration_seconds",
            "Etcd request latency in seconds for each operation and object type.",
            _LABELS,
            ((each.labels, each.durations) for each in series),
        )
        yield counter(
            "etcd_requests",
            "Etcd request counts for each operation and object type.",
            _LABELS,
            ((each.labels, each.durations.count) for each in series),
        )
        yield counter(
            "etcd_request_errors",
            "Etcd failed request counts for each operation and object type.",
            _LABELS,
            ((each.labels, each.errors) for each in series if each.errors),
        )


def resource_of(key: str) -> GroupResource:
    """(group, resource) of a key or a prefix; what is of no resource has the name of its first part."""
    for prefix in prefixes(key):
        found = _BY_PREFIX.get(prefix)
        if found is not None:
            return found
    if not key.startswith(ROOT):
        return ("", "")
    first, _, rest = key.removeprefix(ROOT).partition("/")
    plural = rest.partition("/")[0]
    return (first, plural) if "." in first and plural else ("", first)
