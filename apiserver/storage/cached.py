"""Looking at single objects of the watch cache: as they are known, or as they are now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.storage.watch_cache import WatchCache

Lookup = Callable[[Resource, str, str], Object | None]
"""(resource, namespace, name) to a decoded object of the caller's own, or None."""
FreshLookup = Callable[[Resource, str, str], Awaitable[Object | None]]


def cached(cache: WatchCache) -> Lookup:
    """Objects as the cache knows them."""

    def lookup(resource: Resource, namespace: str, name: str) -> Object | None:
        entry = cache.resource(resource).get(namespace, name)
        return entry.obj if entry else None

    return lookup


def fresh_lookup(cache: WatchCache) -> FreshLookup:
    """Objects as they are now: once the cache has seen everything written before."""
    lookup = cached(cache)

    async def look(resource: Resource, namespace: str, name: str) -> Object | None:
        await cache.fresh()
        return lookup(resource, namespace, name)

    return look
