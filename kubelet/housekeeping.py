"""Looks at all pods now and then, and takes away what belongs to none: containers, cgroups, files.

It is the net under the engine's events, by which the kubelet hears of changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from apimachinery.objects import Object
from client.events import WARNING
from kubelet.cgroups.tree import PodCgroups
from kubelet.containers.config import GRACE_ANNOTATION
from kubelet.events import Recorder
from kubelet.metrics import (
    ORPHANED_PODS,
    ORPHANS_CLEANED,
    ORPHANS_NOT_CLEANED,
    PLEG_SEEN,
    RELIST_DURATION,
    RELIST_INTERVAL,
    RUNNING_CONTAINERS,
    RUNNING_PODS,
)
from kubelet.pods.record import PodRecord
from kubelet.pods.seen import newest_sandbox
from kubelet.pods.workers import PodWorkers
from kubelet.references import node_reference, pod_full_name
from kubelet.runtime.interface import ContainerRuntimeError, Runtime, RuntimePod

log = logging.getLogger(__name__)

RELIST_SECONDS = 60.0


class Leftovers(Protocol):
    """What a pod may leave on the disk."""

    def known_pods(self) -> set[str]: ...
    async def tear_down(self, uid: str) -> None: ...
    def remove(self, uid: str) -> None: ...


class Housekeeping:
    """`node` is where pods are said to be of which only containers are known."""

    def __init__(
        self,
        runtime: Runtime,
        workers: PodWorkers,
        cgroups: PodCgroups,
        leftovers: Leftovers,
        recorder: Recorder,
        node: str,
        now: Callable[[], datetime],
    ) -> None:
        self._runtime = runtime
        self._workers = workers
        self._cgroups = cgroups
        self._leftovers = leftovers
        self._recorder = recorder
        self._node = node
        self._now = now
        self._knows_all = False
        self._listed: float | None = None
        self.last_look: float | None = None
        """Loop time: when the engine last showed all pods."""

    async def run(self) -> None:
        """Never ends."""
        while True:
            try:
                await self.relist()
            except ContainerRuntimeError as error:
                log.warning("Relist failed: error=%s", error)
                reference = node_reference(self._node)
                self._recorder.event(reference, WARNING, "ContainerGCFailed", str(error))
            await asyncio.sleep(RELIST_SECONDS)

    def end_orphans(self) -> None:
        """All pods are known: from now on what belongs to none of them goes."""
        self._knows_all = True

    async def relist(self) -> None:
        began = asyncio.get_running_loop().time()
        if self._listed is not None:
            RELIST_INTERVAL.observe(began - self._listed)
        self._listed = began
        seen = await self._runtime.list_pods()
        self.last_look = asyncio.get_running_loop().time()
        PLEG_SEEN.set_to_current_time()
        RELIST_DURATION.observe(asyncio.get_running_loop().time() - began)
        _count(seen)
        if self._knows_all:
            await self._end_orphans(seen)

    async def _end_orphans(self, seen: Mapping[str, RuntimePod]) -> None:
        for uid, pod in seen.items():
            if self._workers.get(uid) is None:
                self._adopt_orphan(pod)
        await self._remove_leftovers(set(seen))

    def _adopt_orphan(self, seen: RuntimePod) -> None:
        """A pod was deleted while no kubelet looked: it ends as if it had been deleted now."""
        pod = _remembered(seen, self._node)
        log.info("Ending orphaned pod: pod=%s", pod_full_name(pod))
        ORPHANED_PODS.inc()
        self._workers.add(PodRecord(pod, self._now().timestamp(), removed=True, found=True))

    async def _remove_leftovers(self, running: set[str]) -> None:
        for uid in await self._cgroups.known_pods() - running:
            if self._workers.get(uid) is None:
                await self._cgroups.remove(uid)
        orphans = [uid for uid in self._leftovers.known_pods() - running if self._workers.get(uid) is None]
        outcomes = [await self._remove_files(uid) for uid in orphans]
        ORPHANS_CLEANED.set(len(outcomes))
        ORPHANS_NOT_CLEANED.set(outcomes.count(False))

    async def _remove_files(self, uid: str) -> bool:
        """What can't be removed now is met again at the next relist."""
        log.info("Removing files of a pod that is gone: uid=%s", uid)
        try:
            await self._leftovers.tear_down(uid)
            self._leftovers.remove(uid)
        except OSError as error:
            log.warning("Files of a pod were not removed: uid=%s error=%s", uid, error)
            return False
        return True


def _remembered(seen: RuntimePod, node: str) -> Object:
    """As much of the pod as its containers know."""
    graces = [each.annotations.get(GRACE_ANNOTATION, "") for each in seen.containers]
    grace = next((int(each) for each in graces if each.isdigit()), 1)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": seen.namespace, "name": seen.name, "uid": seen.uid},
        "spec": {"nodeName": node, "containers": [], "terminationGracePeriodSeconds": grace},
    }


def _count(seen: Mapping[str, RuntimePod]) -> None:
    sandboxes = [newest_sandbox(pod) for pod in seen.values()]
    RUNNING_PODS.set(sum(each is not None and each.ready for each in sandboxes))
    states = [container.state.value for pod in seen.values() for container in pod.containers]
    for state in ("created", "running", "exited", "unknown"):
        RUNNING_CONTAINERS.labels(state).set(states.count(state))
