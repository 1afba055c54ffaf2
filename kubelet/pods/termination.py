"""Ending containers: preStop, SIGTERM, grace, SIGKILL.

All containers of a pod side by side, its sidecars after them.
"""

from __future__ import annotations

import asyncio
import logging

from apimachinery.objects import Object
from apimachinery.pods import all_containers, is_sidecar
from kubelet.events import NORMAL, WARNING, Recorder
from kubelet.pods.hooks import HookFailed, run_hook
from kubelet.pods.seen import newest_sandbox, running_containers
from kubelet.references import container_reference
from kubelet.runtime.interface import ContainerState, Runtime, RuntimeContainer, RuntimePod

log = logging.getLogger(__name__)

AFTER_HOOK_GRACE = 2.0
"""What is left to a container whose preStop hook has used up the grace period."""


class Terminator:
    def __init__(self, runtime: Runtime, recorder: Recorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def stop_pod(self, pod: Object, seen: RuntimePod | None, grace: float) -> None:
        """Returns when no container of the pod runs and its sandboxes are stopped."""
        if seen is None:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        sidecars = [each["name"] for each in pod["spec"].get("initContainers") or () if is_sidecar(each)]
        running = running_containers(seen)
        await self._all(pod, [each for each in running if each.name not in sidecars], grace)
        for name in reversed(sidecars):
            rest = max(deadline - loop.time(), AFTER_HOOK_GRACE if grace > AFTER_HOOK_GRACE else grace)
            await self._all(pod, [each for each in running if each.name == name], rest)
        for sandbox in seen.sandboxes:
            await self._runtime.stop_sandbox(sandbox.id)

    async def _all(self, pod: Object, containers: list[RuntimeContainer], grace: float) -> None:
        async with asyncio.TaskGroup() as group:
            for each in containers:
                message = f"Stopping container {each.name}"
                group.create_task(self.stop_container(pod, each, grace, message))

    async def stop_container(
        self, pod: Object, running: RuntimeContainer, grace: float, message: str
    ) -> None:
        """The Killing event, the preStop hook, then the engine's stop with what is left of the grace."""
        container = next((each for each in all_containers(pod["spec"]) if each["name"] == running.name), None)
        self._recorder.event(container_reference(pod, running.name), NORMAL, "Killing", message)
        hook = ((container or {}).get("lifecycle") or {}).get("preStop")
        if hook and container is not None and grace > 0:
            grace = await self._pre_stop(pod, container, running, hook, grace)
        await self._runtime.stop_container(running.id, grace)

    async def _pre_stop(
        self, pod: Object, container: Object, running: RuntimeContainer, hook: Object, grace: float
    ) -> float:
        """Runs the hook for as long as the grace period; returns what is left of it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(grace):
                await run_hook(self._runtime, hook, pod, container, running.id, _ip(pod))
        except (TimeoutError, HookFailed) as error:
            why = str(error) or f"it did not complete in {grace:g} seconds"
            log.info("preStop hook failed: container=%s error=%s", container["name"], why)
            reference = container_reference(pod, container["name"])
            self._recorder.event(reference, WARNING, "FailedPreStopHook", "PreStopHook failed")
        return max(grace - (loop.time() - began), AFTER_HOOK_GRACE)


def _ip(pod: Object) -> str:
    return (pod.get("status") or {}).get("podIP") or ""


def anything_left(seen: RuntimePod | None) -> bool:
    """Whether something of the pod still runs."""
    if seen is None:
        return False
    sandbox = newest_sandbox(seen)
    alive = (ContainerState.RUNNING, ContainerState.UNKNOWN)
    return (sandbox is not None and sandbox.ready) or any(each.state in alive for each in seen.containers)
