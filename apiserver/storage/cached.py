"""Looking at objects of the watch cache: as they are known, or as they are now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apimachinery.objects import Object
from apimachinery.scheme import NAMESPACES, Resource
from apiserver.storage.watch_cache import WatchCache

Lookup = Callable[[Resource, str, str], Object | None]
"""(resource, namespace, name) to a decoded object of the caller's own, or None."""
PhaseLookup = Callable[[str], str | None]
"""A namespace's name to its phase; None if there is no such namespace."""
FreshLookup = Callable[[Resource, str, str], Awaitable[Object | None]]


def cached(cache: WatchCache) -> Lookup:
    """Objects as the cache knows them."""

    def lookup(resource: Resource, namespace: str, name: str) -> Object | None:
        entry = cache.resource(resource).get(namespace, name)
        return entry.obj if entry else None

    return lookup


def listing(cache: WatchCache) -> Callable[..., list[Object]]:
    """Every object of a resource, perhaps of one namespace only, as the watch cache has them."""

    def objects(resource: Resource, namespace: str | None = None) -> list[Object]:
        return [entry.obj for entry in cache.resource(resource).entries(namespace)]

    return objects


def namespace_phases(cache: WatchCache) -> PhaseLookup:
    """As the cache knows them. It is one of the fields that can be selected by, so nothing is decoded."""

    def phase_of(name: str) -> str | None:
        entry = cache.resource(NAMESPACES).get("", name)
        return entry.selection()[1].get("status.phase", "") if entry else None

    return phase_of


def fresh_lookup(cache: WatchCache) -> FreshLookup:
    """Objects as they are now: once the cache has seen everything written before."""
    lookup = cached(cache)

    async def look(resource: Resource, namespace: str, name: str) -> Object | None:
        await cache.fresh()
        return lookup(resource, namespace, name)

    return look
