"""Which apiservers there are, for the endpoints of default/kubernetes: --endpoint-reconciler-type.

Source: pkg/controlplane/reconcilers of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from apimachinery.objects import Object
from apiserver.registry.store import Store
from apiserver.storage.interface import KeyExists, RevisionMismatch, Storage

_LEASES = "/registry/masterleases/"
_TTL = 30


class Addresses(Protocol):
    """The addresses of all apiservers, sorted. None: others keep the endpoints."""

    async def with_own(self) -> Sequence[str] | None:
        """Is seen, then tells who is."""

    async def without_own(self) -> Sequence[str] | None:
        """Is not seen any more, then tells who is left."""


class Unknown:
    """The type `none`."""

    async def with_own(self) -> None:
        return None

    async def without_own(self) -> None:
        return None


class Leased:
    """The type `lease`: each apiserver holds a key with a lease in the store; whose key is there is alive."""

    def __init__(self, storage: Storage, own: str) -> None:
        self._storage = storage
        self._own = own

    async def with_own(self) -> Sequence[str]:
        await self._renew()
        return await self._alive()

    async def without_own(self) -> Sequence[str]:
        current = await self._storage.get(_LEASES + self._own)
        if current is not None:
            with suppress(RevisionMismatch):  # another one of the same address is alive
                await self._storage.delete(current.key, current.revision)
        return await self._alive()

    async def _alive(self) -> Sequence[str]:
        page = await self._storage.list(_LEASES)
        return sorted(each.key[len(_LEASES) :] for each in page.items)

    async def _renew(self) -> None:
        key = _LEASES + self._own
        lease = await self._storage.grant(_TTL)
        current = await self._storage.get(key)
        value = b'{"kind":"Endpoints","apiVersion":"v1","metadata":{}}'
        try:
            if current is None:
                await self._storage.create(key, value, lease=lease)
            else:
                await self._storage.update(key, value, current.revision, lease=lease)
        except (KeyExists, RevisionMismatch):
            # Ran out, or came back, in between: the next pass is soon enough.
            return


class Counted:
    """The type `master-count`: each apiserver adds itself to the Endpoints, which hold so many at most."""

    def __init__(self, endpoints: Store, own: str, count: int) -> None:
        self._endpoints = endpoints
        self._own = own
        self._count = count

    async def with_own(self) -> Sequence[str]:
        return with_own(self._known(), self._own, self._count)

    async def without_own(self) -> Sequence[str]:
        return [each for each in self._known() if each != self._own]

    def _known(self) -> list[str]:
        entry = self._endpoints.cache.get("default", "kubernetes")
        return known_addresses(entry.obj) if entry else []


def known_addresses(endpoints: Object) -> list[str]:
    """Of Endpoints as apiservers write them; of others none count."""
    subsets = endpoints.get("subsets") or []
    return [each["ip"] for each in subsets[0].get("addresses") or []] if len(subsets) == 1 else []


def with_own(known: Sequence[str], own: str, count: int) -> list[str]:
    """Those known, and our own: where there are too many, those that follow our own in order have to go.

    As every apiserver does so, those that are left in the end are those that run. Pure.
    """
    if own in known and len(known) <= count:
        return list(known)
    addresses = sorted({*known, own})
    while len(addresses) > max(count, 1):
        del addresses[(addresses.index(own) + 1) % len(addresses)]
    return addresses
