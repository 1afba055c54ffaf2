"""Gives running containers the resources that their pod was granted."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apimachinery.objects import Object
from kubelet.containers.resources import resources_of
from kubelet.pods.record import PodRecord
from kubelet.pods.resize import ResizePlan, plan_resize
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
    def __init__(self, runtime: Runtime, facts: Callable[[str], NodeFacts], settings: PodSettings) -> None:
        self._runtime = runtime
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
                cpu_quota=self._settings.cpu_quota,
            )

        return plan_resize(pod, seen, resources_for)

    async def update(self, record: PodRecord, plan: ResizePlan) -> None:
        """What the engine refuses, as less memory than is in use, is tried again with the next sync."""
        record.resize_error = ""
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
