"""Mirrors: each static pod is shown in the API by a pod that the API may delete, but never for long."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from apimachinery.errors import AlreadyExistsError, ConflictError, NotFoundError
from apimachinery.objects import NamespacedName, Object, annotations_of, is_terminating, key_of, uid_of
from apimachinery.scheme import PODS
from apimachinery.well_known import MIRROR_POD
from client.controller import Controller
from client.informer import Informer
from client.rest import Client
from kubelet.static_pods.identity import HASH, mirror_of

log = logging.getLogger(__name__)

NODE_RETRY = 1.0


class MirrorAction(Enum):
    NONE = auto()
    CREATE = auto()
    DELETE = auto()
    """It mirrors nothing (any more), or somebody has deleted it: another one follows."""


def mirror_action(static: Object | None, mirror: Object | None) -> MirrorAction:
    """What brings the API nearer to what the node runs."""
    if mirror is None:
        return MirrorAction.NONE if static is None else MirrorAction.CREATE
    is_current = static is not None and annotations_of(static)[HASH] == annotations_of(mirror)[MIRROR_POD]
    return MirrorAction.NONE if is_current and not is_terminating(mirror) else MirrorAction.DELETE


class MirrorPods:
    """`node` shows the Node object by name, or None while it is not registered."""

    def __init__(self, client: Client, pods: Informer, node: Callable[[str], Object | None]) -> None:
        self._client = client
        self._node = node
        self._static: dict[NamespacedName, Object] = {}
        self._mirrors: dict[NamespacedName, Object] = {}
        self._knows_all = False
        self._controller = Controller("mirror-pods", self._reconcile, watches=(), needs=(pods,))

    @property
    def count(self) -> int:
        """How many the API has."""
        return len(self._mirrors)

    async def run(self) -> None:
        """Never ends. Nothing is judged before the API's pods are known."""
        await self._controller.run()

    def end_orphans(self) -> None:
        """All static pods are known: from now on a mirror without its pod goes."""
        self._knows_all = True
        for key in self._mirrors:
            self._controller.queue.add(key)

    def want(self, pod: Object) -> None:
        """The static pod runs here, or is about to."""
        self._static[key_of(pod)] = pod
        self._controller.queue.add(key_of(pod))

    def drop(self, pod: Object) -> None:
        """Nothing of the static pod is left."""
        self._static.pop(key_of(pod), None)
        self._controller.queue.add(key_of(pod))

    def observe(self, mirror: Object, *, gone: bool) -> None:
        """The API shows the mirror so."""
        if gone:
            self._mirrors.pop(key_of(mirror), None)
        else:
            self._mirrors[key_of(mirror)] = mirror
        self._controller.queue.add(key_of(mirror))

    async def _reconcile(self, key: NamespacedName) -> float | None:
        static, mirror = self._static.get(key), self._mirrors.get(key)
        if static is None and not self._knows_all:
            return None
        match mirror_action(static, mirror):
            case MirrorAction.CREATE if static is not None:
                return await self._create(static)
            case MirrorAction.DELETE if mirror is not None:
                await self._delete(mirror)
        return None

    async def _create(self, static: Object) -> float | None:
        node = self._node(static["spec"]["nodeName"])
        if node is None or is_terminating(node):
            return NODE_RETRY
        with suppress(AlreadyExistsError):
            await self._client.create(PODS, mirror_of(static, node), static["metadata"]["namespace"])
            log.info("Created a mirror pod for static pod: pod=%s", key_of(static))
        return None

    async def _delete(self, mirror: Object) -> None:
        """At once: what it shows has its own life."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": uid_of(mirror)},
        }
        key = key_of(mirror)
        with suppress(NotFoundError, ConflictError):
            await self._client.delete(PODS, key.name, key.namespace, options=options)
            log.info("Deleted mirror pod: pod=%s", key)
