"""Makes a pod's sandbox: devices, the name service, the engine's handler, a place in the queue of starts."""

from __future__ import annotations

import asyncio

from apimachinery.objects import Object, annotations_of
from client.events import WARNING
from kubelet.cgroups.tree import PodCgroups
from kubelet.containers.dns import pod_dns
from kubelet.containers.sandbox import sandbox_config
from kubelet.events import Recorder
from kubelet.journal import Journal
from kubelet.metrics import (
    SANDBOX_ERRORS,
    SANDBOX_SECONDS,
    STARTED_PODS,
    STARTED_PODS_ERRORS,
    USER_NAMESPACED_PODS,
    USER_NAMESPACED_PODS_ERRORS,
)
from kubelet.pods.devices import DeviceError, Devices, counted_preparation
from kubelet.pods.runtime_classes import RuntimeClasses
from kubelet.references import pod_reference
from kubelet.runtime.interface import HOLLOW_PREFIX, Runtime, RuntimeSandbox, SandboxConfig, SandboxError
from kubelet.settings import PodSettings
from kubelet.tasks import uninterrupted


class SandboxMaker:
    def __init__(
        self,
        runtime: Runtime,
        cgroups: PodCgroups,
        classes: RuntimeClasses,
        devices: Devices,
        recorder: Recorder,
        journal: Journal,
        gate: asyncio.Semaphore,
        settings: PodSettings,
    ) -> None:
        self._runtime = runtime
        self._cgroups = cgroups
        self._classes = classes
        self._devices = devices
        self._recorder = recorder
        self._journal = journal
        self._gate = gate
        self._settings = settings

    async def make(self, pod: Object, attempt: int) -> RuntimeSandbox | None:
        """None if it can't be had; an Event says why."""
        STARTED_PODS.inc()
        try:
            with counted_preparation():
                await self._devices.prepare(pod)
            config = await self._config(pod, attempt)
            async with self._gate:
                with self._journal.step(pod, "sandbox"):
                    return await self._run(config)
        except DeviceError as error:
            message = f"Failed to prepare dynamic resources: prepare dynamic resources: {error}"
            self._recorder.event(pod_reference(pod), WARNING, "FailedPrepareDynamicResources", message)
        except SandboxError as error:
            STARTED_PODS_ERRORS.inc()
            message = f"Failed to create pod sandbox: {error}"
            self._recorder.event(pod_reference(pod), WARNING, "FailedCreatePodSandBox", message)
        return None

    async def _run(self, config: SandboxConfig) -> RuntimeSandbox:
        handler = config.runtime_handler
        with SANDBOX_SECONDS.labels(handler).time(), SANDBOX_ERRORS.labels(handler).count_exceptions():
            return await uninterrupted(self._runtime.create_sandbox(config))

    async def _config(self, pod: Object, attempt: int) -> SandboxConfig:
        settings, handler = self._settings, await self._classes.handler_of(pod)
        if pod["spec"].get("hostUsers") is False:
            USER_NAMESPACED_PODS.inc()
            USER_NAMESPACED_PODS_ERRORS.inc()
            raise SandboxError(f'RuntimeClass handler "{handler}" does not support user namespaces')
        return sandbox_config(
            pod,
            attempt=attempt,
            dns=pod_dns(pod, settings.host_dns(), settings.cluster_dns, settings.cluster_domain),
            cluster_domain=settings.cluster_domain,
            cgroup_parent=self._cgroups.parent_of(pod),
            runtime_handler=handler,
            annotations={k: v for k, v in annotations_of(pod).items() if k.startswith(HOLLOW_PREFIX)},
        )
