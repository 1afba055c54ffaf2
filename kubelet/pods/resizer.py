"""Gives a pod and its running containers the resources that it was granted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from apimachinery.objects import Object
from kubelet.cgroups.limits import limits_of_pod
from kubelet.cgroups.tree import CgroupError, PodCgroups
from kubelet.containers.resources import resources_of
from kubelet.metrics import RESIZE_MILLISECONDS
from kubelet.pods.record import PodRecord
from kubelet.pods.resize import ResizePlan, plan_resize, why_not_lowered
from kubelet.references import pod_full_name
from kubelet.runtime.interface import (
    ContainerRuntimeError,
    Resources,
    Runtime,
    RuntimePod,
    RuntimeUnavailable,
)
from kubelet.settings import NodeFacts, PodSettings

log = logging.getLogger(__name__)


class Resizer:
    def __init__(
        self,
        runtime: Runtime,
        cgroups: PodCgroups,
        facts: Callable[[str], NodeFacts],
        settings: PodSettings,
    ) -> None:
        self._runtime = runtime
        self._cgroups = cgroups
        self._facts = facts
        self._settings = settings

    def plan(self, pod: Object, seen: RuntimePod | None) -> ResizePlan:
        memory = self._facts(pod["spec"]["nodeName"]).memory_capacity

        def resources_for(container: Object) -> Resources:
            return resources_of(
                pod,
                container,
                memory_capacity=memory,
                pids_limit=self._settings.pids_limit,
                enforce_cpu=self._settings.cpu_quota,
            )

        return plan_resize(pod, seen, resources_for)

    async def update(self, record: PodRecord, plan: ResizePlan, seen: RuntimePod | None) -> None:
        """The pod gets more before its containers do, and less after them.

        Raises CgroupError where it can have no cgroup. What is refused later, as less memory than is in use,
        is tried again with the next sync.
        """
        began, succeeded = _now(), False
        try:
            await self._update(record, plan, seen)
            succeeded = not record.resize_error
        finally:
            if plan.names:
                RESIZE_MILLISECONDS.labels(str(succeeded).lower()).observe((_now() - began) * 1000)

    async def _update(self, record: PodRecord, plan: ResizePlan, seen: RuntimePod | None) -> None:
        await self._cgroups.widen(record.pod)
        record.resize_error = await self._why_not(record.pod, plan, seen)
        if record.resize_error:
            log.warning("Pod not resized: pod=%s error=%s", pod_full_name(record.pod), record.resize_error)
            return
        await self._update_containers(record, plan)
        try:
            await self._cgroups.settle(record.pod)
        except CgroupError as error:
            record.resize_error = str(error)
            log.warning("Pod not resized: pod=%s error=%s", pod_full_name(record.pod), error)

    async def _why_not(self, pod: Object, plan: ResizePlan, seen: RuntimePod | None) -> str:
        """The engine might kill a container that uses more memory than it is left with."""
        if seen is None or not any(each.lowers_memory for each in plan.update):
            return ""
        usage = await self._runtime.usage()
        own = {each.id: usage[each.id].memory_usage for each in seen.containers if each.id in usage}
        return why_not_lowered(plan.update, limits_of_pod(pod).memory, own)

    async def _update_containers(self, record: PodRecord, plan: ResizePlan) -> None:
        for each in plan.update:
            try:
                await self._runtime.update_container(each.id, each.resources)
            except RuntimeUnavailable:
                raise
            except ContainerRuntimeError as error:
                record.resize_error = str(error)
                log.warning("Container not resized: pod=%s error=%s", pod_full_name(record.pod), error)
            else:
                log.info("Resized container: pod=%s name=%s", pod_full_name(record.pod), each.name)


def _now() -> float:
    return asyncio.get_running_loop().time()
