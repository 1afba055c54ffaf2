"""Keeps the tree: the node's limit at the top, the classes of service, a cgroup for each pod.

Where the machine does not let us, it says so once, and pods run where the engine puts them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from apimachinery.objects import Object, uid_of
from apimachinery.pods import BEST_EFFORT, BURSTABLE, qos_class
from component_base.os_errors import in_words
from kubelet.cgroups import names
from kubelet.cgroups.drivers import Driver, open_driver
from kubelet.cgroups.limits import Limits, limits_of_class, limits_of_pod, wider
from kubelet.cgroups.policy import CgroupPolicy
from kubelet.cgroups.top import make_top
from kubelet.cgroups.usage import read_group
from kubelet.events import Recorder
from kubelet.metrics import CGROUP_SECONDS
from kubelet.references import node_reference
from kubelet.runtime.interface import Runtime, RuntimeUnavailable
from kubelet.runtime.usage import ContainerUsage

log = logging.getLogger(__name__)

SET_UP_RETRY = 1.0


class CgroupError(Exception):
    """A pod's cgroup is not as it should be; the message names it."""


class PodCgroups(Protocol):
    """The seam: a tree, or (hollow nodes, `cgroupsPerQOS: false`) none."""

    async def widen(self, pod: Object) -> None:
        """Makes the pod's cgroup, or gives it room for both what the pod has and what it is to get.

        Raises CgroupError.
        """

    async def settle(self, pod: Object) -> None:
        """Leaves the pod no more than it is to have. Raises CgroupError."""

    def parent_of(self, pod: Object) -> str:
        """What the engine is to put the pod's containers below; '' for its own default."""

    async def remove(self, uid: str) -> None:
        """Takes the pod's cgroup away. What cannot go yet is met again by housekeeping."""

    async def end(self, uid: str) -> None:
        """The same once the pod is over. What runs on in it, lost by the engine, is killed before."""

    async def known_pods(self) -> set[str]: ...


class NoCgroups:
    def usage(self) -> ContainerUsage | None:
        return None

    async def keep(self) -> None:
        return None

    async def widen(self, pod: Object) -> None:
        return None

    async def settle(self, pod: Object) -> None:
        return None

    def parent_of(self, pod: Object) -> str:
        return ""

    async def remove(self, uid: str) -> None:
        return None

    async def end(self, uid: str) -> None:
        return None

    async def known_pods(self) -> set[str]:
        return set()


class CgroupTree:
    def __init__(
        self,
        policy: CgroupPolicy,
        runtime: Runtime,
        recorder: Recorder,
        *,
        node: str,
        capacity: Mapping[str, str],
        open: Callable[[str], Driver] = open_driver,
    ) -> None:
        """`capacity` is the node's, with its processes as `pid`."""
        self._policy = policy
        self._runtime = runtime
        self._recorder = recorder
        self._node = node
        self._capacity = capacity
        self._open = open
        self._driver: Driver | None = None
        self._is_set_up = False
        self._lock = asyncio.Lock()
        """Over what concerns more than one pod."""
        self._limits: dict[str, Limits] = {}
        """By the pod's uid, as they are now."""
        self._settled: dict[str, Object] = {}
        """By the pod's uid, the very spec that it has all of: nothing is to be worked out for it again."""
        self._burstable: dict[str, Object] = {}
        self._of_class = Limits()

    async def keep(self) -> None:
        """Makes the tree though no pod needs it yet."""
        while not self._is_set_up:
            try:
                await self.set_up()
            except RuntimeUnavailable as error:
                log.info("Cgroups wait for the container runtime: error=%s", error)
                await asyncio.sleep(SET_UP_RETRY)

    async def set_up(self) -> None:
        """Once, as soon as the engine tells by which driver. Raises RuntimeUnavailable."""
        async with self._lock:
            if not self._is_set_up:
                await self._make(await self._runtime.cgroup_driver())
                self._is_set_up = True

    def parent_of(self, pod: Object) -> str:
        return self._driver.parent(self._name(pod)) if self._driver else ""

    async def widen(self, pod: Object) -> None:
        if self._is_settled(pod):
            return
        await self.set_up()
        wanted, known = self._wanted(pod), self._limits.get(uid_of(pod))
        await self._apply(pod, wider(wanted, known) if known else wanted)

    async def settle(self, pod: Object) -> None:
        if not self._is_settled(pod):
            await self._apply(pod, self._wanted(pod))
            self._settled[uid_of(pod)] = pod["spec"]

    async def remove(self, uid: str) -> None:
        self._limits.pop(uid, None)
        self._settled.pop(uid, None)
        if self._burstable.pop(uid, None):
            await self._update_class()
        if self._driver is not None:
            await asyncio.to_thread(self._remove, self._driver, uid)

    async def end(self, uid: str) -> None:
        if self._driver is not None:
            await asyncio.to_thread(self._kill, self._driver, uid)
        await self.remove(uid)

    async def known_pods(self) -> set[str]:
        return await asyncio.to_thread(lambda: {names.uid_in(each) for each in self._paths()})

    def usage(self) -> ContainerUsage | None:
        """Of all pods together, None where it is not known; the limit is the node's allocatable. Blocks."""
        return read_group(self._driver.path(self._policy.top)) if self._driver else None

    # One pod.

    def _is_settled(self, pod: Object) -> bool:
        return self._settled.get(uid_of(pod)) is pod["spec"]

    def _name(self, pod: Object) -> names.Name:
        return names.of_pod(self._policy.top, qos_class(pod), uid_of(pod))

    def _wanted(self, pod: Object) -> Limits:
        return limits_of_pod(
            pod,
            pids=self._policy.pids,
            enforce_cpu=self._policy.enforce_cpu,
            page_sizes=self._driver.files.page_sizes if self._driver else (),
        )

    async def _apply(self, pod: Object, limits: Limits) -> None:
        uid = uid_of(pod)
        if self._driver is None or self._limits.get(uid) == limits:
            return
        name = self._name(pod)
        try:
            with CGROUP_SECONDS.labels("update" if uid in self._limits else "create").time():
                await asyncio.to_thread(self._driver.apply, name, limits)
        except OSError as error:
            reason = in_words(error)
            raise CgroupError(f"failed to create container for [{' '.join(name)}] : {reason}") from error
        self._limits[uid] = limits
        if qos_class(pod) == BURSTABLE:
            self._burstable[uid] = pod
            await self._update_class()

    def _kill(self, driver: Driver, uid: str) -> None:
        for path in self._paths_of(uid):
            if killed := driver.files.kill(path):
                log.info("Killed what still ran of a pod: path=%s processes=%s", path, sorted(killed))

    def _remove(self, driver: Driver, uid: str) -> None:
        for path in self._paths_of(uid):
            try:
                with CGROUP_SECONDS.labels("destroy").time():
                    driver.remove(path)
            except OSError as error:
                log.info("Cgroup of a pod not removed: path=%s error=%s", path, error)

    def _paths_of(self, uid: str) -> list[str]:
        return [path for path in self._paths() if names.uid_in(path) == uid]

    def _paths(self) -> list[str]:
        """Of all pods that have a cgroup."""
        driver, top = self._driver, self._policy.top
        if driver is None:
            return []
        above = [top, *(names.of_class(top, each) for each in (BURSTABLE, BEST_EFFORT))]
        found = [path for each in above for path in driver.files.children(driver.path(each))]
        return [path for path in found if names.uid_in(path)]

    # What is above the pods.

    async def _make(self, kind: str) -> None:
        try:
            driver = await asyncio.to_thread(self._open, kind)
            outcomes = await asyncio.to_thread(make_top, driver, self._policy, self._capacity)
        except OSError as error:
            log.warning("Pods get no cgroups of their own on this machine: error=%s", error)
            return
        self._driver = driver
        for each in outcomes:
            self._recorder.event(node_reference(self._node), each.type, each.reason, each.message)

    async def _update_class(self) -> None:
        async with self._lock:
            driver = self._driver
            sizes = driver.files.page_sizes if driver else ()
            wanted = limits_of_class(BURSTABLE, self._burstable.values(), sizes)
            if driver is None or wanted == self._of_class:
                return
            try:
                await asyncio.to_thread(driver.apply, names.of_class(self._policy.top, BURSTABLE), wanted)
            except OSError as error:
                log.warning("Failed to update the cgroup of burstable pods: error=%s", error)
            else:
                self._of_class = wanted
