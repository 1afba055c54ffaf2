"""The ConfigMaps and Secrets that pods of this node refer to.

Each watched by its name, for as long as a pod needs it. A kubelet may read only what its pods refer to,
so there is no list of all Secrets here, nor permission for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from apimachinery import pod_references
from apimachinery.objects import NamespacedName, Object, namespace_of, uid_of
from apimachinery.scheme import CONFIG_MAPS, SECRETS, Resource
from client.informer import Informer
from client.rest import Client
from kubelet.tasks import TaskSet

SYNC_SECONDS = 10.0
LINGER_SECONDS = 60.0
"""Pods come and go; the next one often refers to the same object."""


class ObjectName(NamedTuple):
    kind: str
    """configmap or secret."""
    namespace: str
    name: str


_RESOURCES: dict[str, Resource] = {"configmap": CONFIG_MAPS, "secret": SECRETS}
_KINDS = {resource.plural: kind for kind, resource in _RESOURCES.items()}


class NotSynced(Exception):
    """The API server has not answered yet; nothing is known of the object."""


def references_of(pod: Object) -> set[ObjectName]:
    """All that its environment, volumes and image pulls need. Pure."""
    namespace = namespace_of(pod)
    found = pod_references.references_of(pod)
    return {ObjectName(_KINDS[plural], namespace, name) for plural, name in found if plural in _KINDS}


class ReferencedObjects:
    """Watches what registered pods refer to, and tells which pods a change concerns."""

    def __init__(self, client: Client, changed: Callable[[set[str]], None]) -> None:
        self._client = client
        self._changed = changed
        self._informers: dict[ObjectName, Informer] = {}
        self._tasks: TaskSet[ObjectName] = TaskSet("watch")
        self._users: dict[ObjectName, set[str]] = {}
        self._pods: dict[str, set[ObjectName]] = {}

    def register(self, pod: Object) -> None:
        """Begins to watch what the pod refers to; again is harmless."""
        uid = uid_of(pod)
        wanted = references_of(pod)
        for name in wanted:
            self._users.setdefault(name, set()).add(uid)
            if name not in self._informers:
                self._start(name)
        for name in self._pods.get(uid, set()) - wanted:
            self._release(name, uid)
        self._pods[uid] = wanted

    def unregister(self, uid: str) -> None:
        for name in self._pods.pop(uid, set()):
            self._release(name, uid)

    async def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """None if there is no such object. Raises NotSynced if the server does not say."""
        object_name = ObjectName(kind, namespace, name)
        if object_name not in self._informers:
            self._start(object_name)
        informer = self._informers[object_name]
        if not informer.synced:
            try:
                async with asyncio.timeout(SYNC_SECONDS):
                    await informer.wait_synced()
            except TimeoutError:
                raise NotSynced(f"failed to sync {kind} cache: timed out waiting for the condition") from None
        return informer.get(NamespacedName(namespace, name))

    async def of_kind(self, pod: Object, kind: str) -> dict[str, Object]:
        """Everything of that kind that the pod refers to and that exists, by name."""
        names = [each for each in references_of(pod) if each.kind == kind]
        found = [(each.name, await self.get(*each)) for each in sorted(names)]
        return {name: obj for name, obj in found if obj is not None}

    def _start(self, name: ObjectName) -> None:
        informer = Informer(
            self._client,
            _RESOURCES[name.kind],
            namespace=name.namespace,
            field_selector=f"metadata.name={name.name}",
        )
        informer.add_handler(lambda old, new: self._changed(self._users.get(name, set())))
        self._informers[name] = informer
        self._tasks.start(name, informer.run())
        self._users.setdefault(name, set())

    def _release(self, name: ObjectName, uid: str) -> None:
        self._users[name].discard(uid)
        if not self._users[name]:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._stop_unused, name)

    def _stop_unused(self, name: ObjectName) -> None:
        if name in self._informers and not self._users.get(name):
            del self._informers[name], self._users[name]
            self._tasks.cancel(name)

    async def aclose(self) -> None:
        await self._tasks.aclose()
