"""The resource quota controller: counts what each namespace uses and tells its quotas.

The API server charges quotas as it lets objects in; here the books are put right when objects go or shrink.
A new object is no reason to count: others that were charged may not be in our caches yet, and would be taken
from the books again. For the same reason what was written is looked at again soon.
What is only counted is watched from the first quota that asks for it on, as metadata if nobody wants more.
Source: pkg/controller/resourcequota/resource_quota_controller.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from apimachinery import scheme
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import NamespacedName, Object, get_path, key_of, namespace_of, resource_version_of
from apimachinery.quota.scopes import has_deadline
from apimachinery.quota.usage import usage_of
from apimachinery.resource import Resource
from apimachinery.volumes import attributes_classes_of
from client.controller import Changed, Controller, NotYetError, Watch, by_name
from client.discovery import discover, preferred
from client.errors import ConnectionFailed
from client.informer import Informer
from controller_manager.context import ControllerContext
from controller_manager.queue_names import queue_name
from controller_manager.resource_quota.plan import calculate_status, gives_back, names_by_resource
from controller_manager.status_writer import differs

log = logging.getLogger(__name__)

SECOND_LOOK_SECONDS = 10.0
SYNC_SECONDS = 1.0
RESOURCES_SECONDS = 30.0
"""Between looks at discovery for resources that are gone (upstream: 30 s)."""
_WHOLE = (scheme.PODS, scheme.SERVICES, scheme.PERSISTENT_VOLUME_CLAIMS, scheme.RESOURCE_CLAIMS)
"""Kinds of which more matters than their number."""


class ResourceQuotaController:
    """Keeps the status of every quota. Runs itself, because what it watches changes as it runs."""

    name: ClassVar[str] = "resourcequota-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now, self._shared = context.client, context.now, context.informers
        self._resync_seconds = context.options.resource_quota_sync_period
        self._quotas = context.informers.informer(scheme.RESOURCE_QUOTAS)
        self._informers = {each: context.informers.informer(each) for each in _WHOLE}
        self._fresh: asyncio.Queue[Resource] = asyncio.Queue()
        self._running: dict[Resource, asyncio.Task[None]] = {}
        """The informers that we run, beside those that controllers share."""
        self._served: Sequence[Resource] = ()
        self._controller = Controller(
            self.name,
            self.reconcile,
            watches=self.watches(),
            workers=context.options.concurrent_resource_quota_syncs,
            queue_name=queue_name(self.name),
        )

    def watches(self) -> list[Watch]:
        return [
            Watch(self._quotas, by_name, _asks_anew),
            *(
                Watch(informer, self._quotas_of, self._counts_anew(resource))
                for resource, informer in self._informers.items()
            ),
        ]

    def _quotas_of(self, obj: Object) -> Iterable[NamespacedName]:
        return map(key_of, self._quotas.list(namespace_of(obj)))

    def _counts_anew(self, resource: Resource) -> Changed:
        def changed(old: Object | None, new: Object | None) -> bool:
            if old is None or not self._quotas.list(namespace_of(old)):
                return False
            if new is not None and _scope(old) != _scope(new):
                return True  # other quotas may be concerned now
            now = self._now()
            after = usage_of(resource, new, now) if new else {}
            before = usage_of(resource, old, now)
            return any(name not in after or after[name] < amount for name, amount in before.items())

        return changed

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._controller.run())
            group.create_task(self._end_what_is_gone())
            while True:
                resource = await self._fresh.get()
                self._running[resource] = group.create_task(self._informers[resource].run())

    async def _end_what_is_gone(self) -> None:
        """An informer of what is no longer served would list in vain."""
        while True:
            await asyncio.sleep(RESOURCES_SECONDS)
            own = self._running.keys() - set(scheme.BUILTIN)
            if not own:
                continue
            try:
                self._served = preferred(await discover(self._client))
            except (StatusError, ConnectionFailed) as error:
                log.warning("Could not discover resources: error=%s", error)
                continue
            for resource in own - set(self._served):
                del self._informers[resource]
                self._running.pop(resource).cancel()

    async def reconcile(self, key: NamespacedName) -> float | None:
        quota = self._quotas.get(key)
        if quota is None:
            return None
        names = await self._names(quota)
        # Held from here on: a kind may go while others are waited for.
        informers = {each: self._informer(each) for each in names}
        known = {each: informer for each, informer in informers.items() if await _is_synced(informer)}
        has_written = await self._tell(quota, {each: names[each] for each in known}, known)
        if unknown := names.keys() - known:
            kinds = ", ".join(sorted(each.group_resource for each in unknown))
            raise NotYetError(f"quota {key} is not counted in full, there is no list of {kinds} yet")
        return SECOND_LOOK_SECONDS if has_written else self._resync_seconds

    async def _tell(
        self, quota: Object, names: Mapping[Resource, Sequence[str]], informers: Mapping[Resource, Informer]
    ) -> bool:
        """Counts; whether there was something new to write."""

        def objects(resource: Resource) -> list[Object]:
            return informers[resource].list(namespace_of(quota))

        status = calculate_status(quota, names, objects, self._now())
        if not differs(status, quota.get("status")):
            return False
        if gives_back(status, quota.get("status")) and not _are_new_enough(informers.values(), quota):
            stored = {each: await self._stored(each, namespace_of(quota)) for each in names}
            status = calculate_status(quota, names, stored.__getitem__, self._now())
        await self._write_status(quota, status)
        return True

    async def _stored(self, resource: Resource, namespace: str) -> list[Object]:
        """What the server has: the cache of a kind of which nothing happens never gets new enough."""
        items: list[Object] = (await self._client.list(resource, namespace))["items"]
        return items

    async def _names(self, quota: Object) -> dict[Resource, list[str]]:
        """By built-in resource, or by one that is served by now."""
        hard = get_path(quota, "spec.hard", {})
        for served in (scheme.BUILTIN, self._served):
            names = names_by_resource(quota, served)
            if sum(map(len, names.values())) == len(hard):
                return names
        self._served = preferred(await discover(self._client))
        return names_by_resource(quota, [*scheme.BUILTIN, *self._served])

    def _informer(self, resource: Resource) -> Informer:
        """Made when first asked for."""
        known = self._informers.get(resource)
        if known is not None:
            return known
        shared = self._shared.existing(resource)
        informer = shared or Informer(self._client, resource, metadata_only=True)
        informer.add_handler(self._note_deletion)
        self._informers[resource] = informer
        if shared is None:
            self._fresh.put_nowait(resource)
        return informer

    def _note_deletion(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is None:
            for key in self._quotas_of(old):
                self._controller.queue.add(key)

    async def _write_status(self, quota: Object, status: Object) -> None:
        """Guarded by the resourceVersion it was decided on: a charge in between must not be lost."""
        try:
            await self._client.update_status(scheme.RESOURCE_QUOTAS, {**quota, "status": status})
        except NotFoundError:
            return  # deleted meanwhile


def _are_new_enough(informers: Iterable[Informer], quota: Object) -> bool:
    """An object is charged before it is made: a cache older than the charge may not have it yet."""
    version = resource_version_of(quota)
    return all(each.has_seen(version) for each in informers)


async def _is_synced(informer: Informer) -> bool:
    """Soon: what cannot be listed keeps no quota from being counted otherwise."""
    try:
        async with asyncio.timeout(SYNC_SECONDS):
            await informer.wait_synced()
    except TimeoutError:
        return False
    return True


def _asks_anew(old: Object | None, new: Object | None) -> bool:
    """Not for a charge: the object that it is for may not be in our caches yet."""
    is_known = get_path(new, "spec.hard", {}) == get_path(new, "status.hard", {})
    return old is None or new is None or not is_known


def _scope(obj: Object) -> tuple[list[str], bool]:
    """What updates may change of that which decides whose quota an object counts for."""
    return attributes_classes_of(obj), has_deadline(obj)
