"""The loop: watches everything, looks at what may have lost its owners, acts on the plan.

Of what no other controller watches only the metadata is watched.

Source: pkg/controller/garbagecollector/garbagecollector.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from apimachinery.errors import ConflictError, InvalidError, NotFoundError, StatusError
from apimachinery.metadata import FOREGROUND_FINALIZER, ORPHAN_FINALIZER
from apimachinery.objects import NamespacedName, Object, is_terminating, name_of, uid_of
from apimachinery.scheme import CUSTOM_RESOURCE_DEFINITIONS, Resource
from client.controller import Controller, NotYetError, Watch
from client.discovery import discover, preferred
from client.errors import ConnectionFailed
from client.events import WARNING
from client.informer import Informer
from client.retry import retry_on_conflict
from controller_manager.context import ControllerContext
from controller_manager.garbage_collector.graph import Graph, Node, Owner, node_of
from controller_manager.garbage_collector.plan import (
    Delete,
    DropForegroundFinalizer,
    DropOwners,
    LookAt,
    OrphanDependents,
    OwnerState,
    Plan,
    plan,
)
from controller_manager.queue_names import queue_name

log = logging.getLogger(__name__)

RESOURCES_PERIOD = 30.0
"""Seconds between looks at discovery for new resources (upstream: 30 s)."""
UNSEEN_PERIOD = 2.0
"""Seconds between looks at what belongs to somebody that the API knows and no event has told of yet."""
IGNORED = {"events", "events.events.k8s.io"}
NEEDED = {"list", "watch", "delete"}


class GarbageCollector:
    """Its keys are uids. It runs informers of its own, since the set of resources changes as it runs."""

    name = "garbage-collector-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._shared = context.informers
        self._events = context.recorder(self.name)
        self._graph = Graph()
        self._kinds: dict[tuple[str, str], Resource] = {}
        self._monitors: dict[str, Informer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Those of the monitors that controllers do not share."""
        self._defined = asyncio.Event()
        """Set when a CustomResourceDefinition has changed: there may be resources to watch."""
        self._controller = Controller(
            self.name,
            self.reconcile,
            watches=[],
            workers=context.options.concurrent_gc_syncs,
            queue_name=queue_name(self.name),
        )

    def watches(self) -> list[Watch]:
        return []

    async def run(self) -> None:
        """Never ends: the loop, and a monitor for every resource that the server serves.

        It must be called after the shared informers have been asked for.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._controller.run())
            while True:
                self._defined.clear()
                for name, informer in (await self._new_monitors()).items():
                    self._tasks[name] = group.create_task(informer.run())
                with suppress(TimeoutError):
                    async with asyncio.timeout(RESOURCES_PERIOD):
                        await self._defined.wait()

    async def _new_monitors(self) -> dict[str, Informer]:
        """Those that are to be run."""
        try:
            resources = await discover(self._client)
        except (StatusError, ConnectionFailed) as error:
            log.warning("Could not discover resources: error=%s", error)
            return {}
        self._kinds = {(each.api_version, each.kind): each for each in reversed(resources)}
        served = {
            each.group_resource: each for each in preferred([r for r in resources if set(r.verbs) >= NEEDED])
        }
        for name in self._tasks.keys() - served.keys():
            self._forget_resource(name)  # gone while the server told what there is
        fresh = {}
        for name, resource in served.items():
            if name not in IGNORED and name not in self._monitors:
                shared = self._shared.existing(resource)
                monitor = shared or Informer(self._client, resource, metadata_only=True)
                monitor.add_handler(partial(self._observe, resource))
                self._monitors[name] = monitor
                if shared is None:
                    fresh[name] = monitor
        return fresh

    def _observe(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if new is not None:
            node = node_of(resource, new)
            for dependent, owner in self._graph.misplaced(node):
                self._tell_of_owner_elsewhere(dependent, owner)
            look = self._graph.observe(node)
            if old is not None and uid_of(old) != uid_of(new):
                look |= self._graph.forget(uid_of(old))
        else:
            look = self._graph.forget(uid_of(old or {}))
        for uid in look:
            self._controller.queue.add(NamespacedName("", uid))
        if resource.group_resource == CUSTOM_RESOURCE_DEFINITIONS.group_resource:
            self._defined.set()
            if new is None:
                self._forget_resource(name_of(old or {}))

    def _forget_resource(self, name: str) -> None:
        """Ends the monitor of what a definition has defined. The definition is called as its resource."""
        monitor = self._monitors.pop(name, None)
        if task := self._tasks.pop(name, None):
            task.cancel()
        for obj in monitor.list() if monitor else ():
            self._graph.forget(uid_of(obj))

    async def reconcile(self, key: NamespacedName) -> float | None:
        """Looks at one object. Owners that the graph does not know are asked for."""
        node = self._graph.get(key.name)
        if node is None:
            return None
        owners = [(owner, await self._state(node, owner)) for owner in node.owners]
        await self._act(node, plan(node, self._graph.dependents(node.uid), owners))
        is_unseen = any(self._is_unseen(owner) for owner, state in owners if state is not OwnerState.DANGLING)
        return UNSEEN_PERIOD if is_unseen else None

    def _tell_of_owner_elsewhere(self, node: Node, owner: Owner) -> None:
        where = f"namespace: {node.namespace}, name: {owner.name}, uid: {owner.uid}"
        named = f"[{owner.api_version}/{owner.kind}, {where}]"
        message = f'ownerRef {named} does not exist in namespace "{node.namespace}"'
        self._events.event(node.reference, WARNING, "OwnerRefInvalidNamespace", message)

    def _is_unseen(self, owner: Owner) -> bool:
        """Its watch may never tell: what came and went while a watch was made anew is in no list, either."""
        resource = self._kinds.get((owner.api_version, owner.kind))
        is_watched = resource is not None and resource.group_resource in self._monitors
        return is_watched and self._graph.get(owner.uid) is None

    async def _state(self, node: Node, owner: Owner) -> OwnerState:
        known = self._graph.owner(node, owner)
        if known is not None:
            return OwnerState.WAITING if known.deleting_dependents else OwnerState.SOLID
        live = await self._live_owner(node, owner)
        if live is None or uid_of(live) != owner.uid:
            return OwnerState.DANGLING
        finalizers = live["metadata"].get("finalizers") or []
        waiting = is_terminating(live) and FOREGROUND_FINALIZER in finalizers
        return OwnerState.WAITING if waiting else OwnerState.SOLID

    async def _live_owner(self, node: Node, owner: Owner) -> Object | None:
        """None if the API says that it is gone; an unknown kind is an error, for it may come back."""
        resource = self._kinds.get((owner.api_version, owner.kind))
        if resource is None:
            raise NotYetError(f"no resource for the owner {owner.kind} {owner.api_version} of {node.name}")
        if resource.namespaced and not node.namespace:
            return None
        try:
            return await self._client.get(resource, owner.name, node.namespace or None)
        except NotFoundError:
            return None

    async def _act(self, node: Node, decided: Plan) -> None:
        try:
            match decided:
                case DropOwners(uids):
                    await self._drop_owners(node, uids)
                case Delete(propagation, unblock):
                    for dependent in unblock:
                        await self._stop_blocking(dependent, node.uid)
                    await self._delete(node, propagation)
                case OrphanDependents(dependents):
                    await asyncio.gather(*(self._drop_owners(each, (node.uid,)) for each in dependents))
                    await self._drop_finalizer(node, ORPHAN_FINALIZER)
                case DropForegroundFinalizer():
                    await self._drop_finalizer(node, FOREGROUND_FINALIZER)
                case LookAt(uids):
                    for uid in uids:
                        self._controller.queue.add(NamespacedName("", uid))
        except NotFoundError:
            return

    async def _delete(self, node: Node, propagation: str) -> None:
        options = {"propagationPolicy": propagation, "preconditions": {"uid": node.uid}}
        try:
            await self._client.delete(node.resource, node.name, node.namespace or None, options=options)
        except ConflictError:
            # Another object bears the name by now: ours is gone.
            return

    async def _drop_owners(self, node: Node, uids: Sequence[str]) -> None:
        def without(owners: list[Object]) -> list[Object]:
            return [each for each in owners if each["uid"] not in uids]

        await self._change_owners(node, without)

    async def _stop_blocking(self, node: Node, owner_uid: str) -> None:
        def unblocked(owners: list[Object]) -> list[Object]:
            return [
                {**each, "blockOwnerDeletion": False} if each["uid"] == owner_uid else each for each in owners
            ]

        await self._change_owners(node, unblocked)

    async def _change_owners(self, node: Node, change: Callable[[list[Object]], list[Object]]) -> None:
        async def once() -> None:
            live = await self._read(node)
            if live is None:
                return
            owners = live["metadata"].get("ownerReferences") or []
            if (wanted := change(owners)) != owners:
                await self._patch(node, live, {"ownerReferences": wanted or None})

        await retry_on_conflict(once)

    async def _drop_finalizer(self, node: Node, finalizer: str) -> None:
        async def once() -> None:
            live = await self._read(node)
            if live is None:
                return
            finalizers = live["metadata"].get("finalizers") or []
            if finalizer in finalizers:
                kept = [each for each in finalizers if each != finalizer]
                await self._patch(node, live, {"finalizers": kept or None})

        await retry_on_conflict(once)

    async def _read(self, node: Node) -> Object | None:
        try:
            live = await self._client.get(node.resource, node.name, node.namespace or None)
        except NotFoundError:
            return None
        return live if uid_of(live) == node.uid else None

    async def _patch(self, node: Node, live: Object, metadata: Object) -> None:
        """A merge patch guarded by the resourceVersion that was read."""
        guard = {"uid": node.uid, "resourceVersion": live["metadata"]["resourceVersion"]}
        body = {"metadata": metadata | guard}
        try:
            await self._client.patch(node.resource, node.name, body, node.namespace or None)
        except InvalidError as error:
            log.warning("Object refuses its new metadata: object=%s error=%s", node.name, error)
