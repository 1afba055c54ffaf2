"""The custom resources that are served now: always what the watch cache knows of their definitions.

Looking is cheap as long as no definition has changed; what has is built anew at the next look. A definition
that was made through another apiserver is served as soon as the cache has it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.scheme import CUSTOM_RESOURCE_DEFINITIONS, Resource
from apiserver.customresources.definition import priority
from apiserver.customresources.serving import Serving, basis_of, build_serving, is_like
from apiserver.customresources.webhook_conversion import Ask
from apiserver.registry.store import Shared, Store
from apiserver.registry.stores import StoreKey

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Definition:
    """What is known of one definition, as of a revision."""

    revision: int
    basis: Object | None
    serving: Serving | None


class CustomResources:
    """Stores by group, version and plural, as those of the built-in kinds are."""

    def __init__(self, shared: Shared, ask: Ask) -> None:
        """`ask` speaks to conversion webhooks."""
        self._shared = shared
        self._ask = ask
        self._definitions = shared.cache.resource(CUSTOM_RESOURCE_DEFINITIONS)
        self._seen = -1
        self._known: dict[str, _Definition] = {}
        self._stores: dict[StoreKey, Store] = {}
        self._resources: list[Resource] = []
        self._openapi: dict[str, Object] = {}

    def find(self, key: StoreKey) -> Store | None:
        """The store at a URL, as far as the cache knows."""
        self.refresh()
        return self._stores.get(key)

    async def find_fresh(self, key: StoreKey) -> Store | None:
        """The same, once the cache has everything written before: nobody is told that there is nothing
        because this server is late."""
        store = self.find(key)
        if store is None:
            await self._shared.cache.fresh()
            store = self.find(key)
        return store

    def resources(self) -> list[Resource]:
        """What discovery lists: groups by name, in each the best version first."""
        self.refresh()
        return self._resources

    def definitions(self) -> dict[str, Object]:
        """What OpenAPI tells of the kinds, by its names for them."""
        self.refresh()
        return self._openapi

    def kept_by(self, name: str) -> Store | None:
        """The store of a definition's storage version; None if the definition was never established."""
        self.refresh()
        known = self._known.get(name)
        return known.serving.kept if known and known.serving else None

    def refresh(self) -> None:
        """Takes up what has happened to definitions."""
        if self._seen == self._definitions.revision:
            return
        self._seen = self._definitions.revision
        entries = {entry.name: entry for entry in self._definitions.entries()}
        for name in self._known.keys() - entries.keys():
            self._forget(self._known.pop(name))
        for name, entry in entries.items():
            known = self._known.get(name)
            if known is None or known.revision != entry.revision:
                self._known[name] = self._taken_up(known, entry.revision, entry.obj)
        servings = [self._known[name].serving for name in sorted(self._known)]
        found = [serving for serving in servings if serving is not None]
        stores = [store for serving in found for store in serving.stores]
        self._stores = {(s.resource.group, s.resource.version, s.resource.plural): s for s in stores}
        self._openapi = {name: each for serving in found for name, each in serving.definitions.items()}
        resources = [resource for serving in found for resource in serving.listed]
        self._resources = sorted(resources, key=lambda each: (each.group, priority(each.version)))

    def _taken_up(self, known: _Definition | None, revision: int, definition: Object) -> _Definition:
        basis = basis_of(definition)
        if known is not None and known.basis == basis:
            known.revision = revision
            return known
        if known is not None and not is_like(known.basis, basis):
            self._forget(known)
        if basis is None:
            return _Definition(revision, None, None)
        name = definition["metadata"]["name"]
        try:
            serving = build_serving(definition, self._shared, self._ask)
        except (KeyError, ValueError) as error:
            log.error("Ignored a definition that nobody can serve: definition=%s err=%r", name, error)
            return _Definition(revision, basis, None)
        log.info("Served a custom resource: definition=%s", name)
        return _Definition(revision, basis, serving)

    def _forget(self, known: _Definition) -> None:
        """Whoever watches is cut off, and finds out by listing what there is now."""
        if known.serving is not None:
            self._shared.cache.forget(known.serving.kept.stored)
