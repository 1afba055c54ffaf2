"""What policies' parameters can be: any kind that is stored, built-in or custom, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery.objects import Object
from apimachinery.scheme import by_kind
from apiserver.customresources.served import CustomResources
from apiserver.registry.store import Store
from apiserver.registry.stores import StoreKey
from apiserver.storage.entry import Entry

Objects = list[Object]


class StoredKind:
    """A ParamKind (`admission.policies.params`) over a store: objects as its API version shows them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_namespaced = store.resource.namespaced
        self.plural = store.resource.plural

    async def get(self, namespace: str, name: str) -> Object | None:
        entry = self._store.cache.get(namespace, name)
        return (await self._shown([entry]))[0] if entry is not None else None

    async def list(self, namespace: str) -> Objects:
        return await self._shown(self._store.cache.entries(namespace))

    async def _shown(self, entries: Sequence[Entry]) -> Objects:
        codec = self._store.codec
        await codec.prepare(entries)
        return [codec.obj(entry) for entry in entries]


class ParamKinds:
    def __init__(self, stores: Mapping[StoreKey, Store], custom: CustomResources) -> None:
        self._stores = stores
        self._custom = custom

    async def find(self, api_version: str, kind: str) -> StoredKind | None:
        built_in = by_kind(api_version, kind)
        if built_in is not None:
            store = self._stores.get((built_in.group, built_in.version, built_in.plural))
            return StoredKind(store) if store is not None else None
        for each in self._custom.resources():
            if (each.api_version, each.kind) == (api_version, kind):
                store = self._custom.find((each.group, each.version, each.plural))
                return StoredKind(store) if store is not None else None
        return None
