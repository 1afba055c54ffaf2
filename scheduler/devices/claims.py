"""Which devices are in use, and writing down who gets which.

What is decided holds from the moment it is, not only once the cache shows what was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from apimachinery.errors import ConflictError
from apimachinery.objects import (
    NamespacedName,
    Object,
    get_path,
    is_terminating,
    key_of,
    name_of,
    namespace_of,
    resource_version_of,
    uid_of,
)
from apimachinery.resource_claims import FINALIZER, is_allocated, reserved
from apimachinery.scheme import RESOURCE_CLAIMS, Resource
from scheduler.devices.pools import DeviceId
from scheduler.framework.interface import PreBindError

TRIES = 5


class Lister(Protocol):
    """An informer, or in tests a store of objects."""

    def get(self, key: NamespacedName) -> Object | None: ...
    def list(self) -> list[Object]: ...


class Api(Protocol):
    """The part of a client that is needed here."""

    async def get(self, resource: Resource, name: str, namespace: str) -> Object: ...
    async def update(self, resource: Resource, obj: Object) -> Object: ...
    async def update_status(self, resource: Resource, obj: Object) -> Object: ...


@dataclass(slots=True)
class _Pending:
    """An allocation that the cache may not show; `version` once it is written."""

    key: NamespacedName
    allocation: Object
    version: int | None = None


class DeviceClaims:
    """`classes` and `slices` are what is there to choose from."""

    def __init__(self, claims: Lister, classes: Lister, slices: Lister, api: Api) -> None:
        self.claims, self.classes, self.slices = claims, classes, slices
        self._api = api
        self._pending: dict[str, _Pending] = {}

    def in_use(self) -> frozenset[DeviceId]:
        """Devices that are allocated to somebody, or are about to be; administrators take none."""
        self._forget_what_is_shown()
        allocations = [get_path(claim, "status.allocation", {}) for claim in self.claims.list()]
        allocations += [each.allocation for each in self._pending.values()]
        return frozenset(each for allocation in allocations for each in _devices_of(allocation))

    def is_pending(self, claim: Object) -> bool:
        self._forget_what_is_shown()
        return uid_of(claim) in self._pending

    def _forget_what_is_shown(self) -> None:
        for uid, pending in list(self._pending.items()):
            shown = self.claims.get(pending.key)
            is_gone = shown is None or uid_of(shown) != uid
            if pending.version is not None and (is_gone or _version(shown) >= pending.version):
                del self._pending[uid]

    def reserve(self, claim: Object, allocation: Object) -> None:
        self._pending[uid_of(claim)] = _Pending(key_of(claim), allocation)

    def unreserve(self, claim: Object) -> None:
        """What has reached the API stays there: the next attempt finds it."""
        pending = self._pending.get(uid_of(claim))
        if pending is not None and pending.version is None:
            del self._pending[uid_of(claim)]

    async def bind(self, claim: Object, allocation: Object | None, pod: Object) -> None:
        """Writes the allocation, if it is new, and the reservation.

        Raises PreBindError, or what the API refuses with.
        """
        for attempt in range(TRIES):
            if attempt:
                claim = await self._api.get(RESOURCE_CLAIMS, name_of(claim), namespace_of(claim))
            try:
                written = await self._write(claim, allocation, pod)
            except ConflictError:
                continue
            if allocation is not None and uid_of(claim) in self._pending:
                self._pending[uid_of(claim)].version = _version(written)
            return
        raise PreBindError(f"claim {key_of(claim)} changes all the time")

    async def _write(self, claim: Object, allocation: Object | None, pod: Object) -> Object:
        if is_terminating(claim):
            raise PreBindError(f"claim {key_of(claim)} got deleted in the meantime")
        if allocation is not None:
            if is_allocated(claim):
                raise PreBindError(f"claim {key_of(claim)} got allocated elsewhere in the meantime")
            claim = await self._hold(claim)
            claim = {**claim, "status": {**(claim.get("status") or {}), "allocation": allocation}}
        return await self._api.update_status(RESOURCE_CLAIMS, reserved(claim, pod))

    async def deallocate(self, claim: Object) -> None:
        """Takes the claim's devices away. Raises what the API refuses with: it may have changed."""
        gone = ("allocation", "reservedFor", "devices")
        status = {name: value for name, value in (claim.get("status") or {}).items() if name not in gone}
        await self._api.update_status(RESOURCE_CLAIMS, {**claim, "status": status})

    async def _hold(self, claim: Object) -> Object:
        """It must not go without giving its devices back."""
        finalizers = claim["metadata"].get("finalizers") or []
        if FINALIZER in finalizers:
            return claim
        metadata = {**claim["metadata"], "finalizers": [*finalizers, FINALIZER]}
        return await self._api.update(RESOURCE_CLAIMS, {**claim, "metadata": metadata})


def _version(claim: Object | None) -> int:
    return int(resource_version_of(claim or {}))


def _devices_of(allocation: Object) -> Iterator[DeviceId]:
    for each in get_path(allocation, "devices.results", []):
        if not each.get("adminAccess"):
            yield DeviceId(each["driver"], each["pool"], each["device"])
