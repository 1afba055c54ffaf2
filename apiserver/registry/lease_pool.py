"""Leases for objects that go by themselves (Events): many objects share one, as upstream does it."""

from __future__ import annotations

from collections.abc import Callable

from apiserver.storage.interface import Storage
from component_base.metrics import Histogram

_OBJECTS = Histogram(
    "etcd_lease_object_counts",
    "Number of objects attached to a single etcd lease.",
    buckets=(10, 50, 100, 500, 1000, 2500, 5000),
)
_REUSE_SECONDS = 60
_MAX_OBJECTS = 1000


class LeasePool:
    """Hands out leases of at least `ttl` seconds; one is given to writes for a minute, or to a thousand."""

    def __init__(self, storage: Storage, ttl: int, monotonic: Callable[[], float]) -> None:
        self._storage = storage
        self._ttl = ttl
        self._monotonic = monotonic
        self._lease = 0
        self._granted_at = 0.0
        self._objects = 0
        self._reuse = min(_REUSE_SECONDS, max(ttl // 20, 1))

    async def lease(self) -> int:
        now = self._monotonic()
        if not self._lease or now - self._granted_at > self._reuse or self._objects >= _MAX_OBJECTS:
            if self._objects:
                _OBJECTS.observe(self._objects)
            self._lease = await self._storage.grant(self._ttl + self._reuse)
            self._granted_at, self._objects = now, 0
        self._objects += 1
        return self._lease
