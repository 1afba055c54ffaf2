"""Ending containers: preStop, SIGTERM, grace, SIGKILL.

The preStop hooks of a pod run side by side, and so do its containers end; sidecars after all others.

Source: pkg/kubelet/kuberuntime (killContainer, kuberuntime_termination_order.go) of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from apimachinery.objects import Object
from apimachinery.pods import all_containers, is_sidecar
from client.events import NORMAL, WARNING
from kubelet.events import Recorder
from kubelet.pods.hooks import HookFailed, HookRunner
from kubelet.pods.seen import newest_sandbox, running_containers
from kubelet.references import container_reference
from kubelet.runtime.interface import ContainerState, Runtime, RuntimeContainer, RuntimePod

log = logging.getLogger(__name__)

LEAST_GRACE = 2.0
"""What every container gets, even where its preStop hook, or its turn, has used up the grace period."""

Ends = Sequence[asyncio.Event]
"""The ends of other containers."""


class Terminator:
    def __init__(self, runtime: Runtime, recorder: Recorder) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._hooks = HookRunner(runtime, recorder)

    async def stop_pod(self, pod: Object, seen: RuntimePod | None, grace: float) -> None:
        """Returns when no container of the pod runs and its sandboxes are stopped."""
        if seen is None:
            return
        running = running_containers(seen)
        ends = {each.name: asyncio.Event() for each in running}
        async with asyncio.TaskGroup() as group:
            for each in running:
                before = [ends[name] for name in stopped_before(pod, each.name) if name in ends]
                group.create_task(self._stop_in_turn(pod, each, grace, before, ends[each.name]))
        for sandbox in seen.sandboxes:
            await self._runtime.stop_sandbox(sandbox.id)

    async def _stop_in_turn(
        self, pod: Object, running: RuntimeContainer, grace: float, before: Ends, end: asyncio.Event
    ) -> None:
        try:
            await self.stop_container(pod, running, grace, f"Stopping container {running.name}", before)
        finally:
            end.set()

    async def stop_container(
        self, pod: Object, running: RuntimeContainer, grace: float, message: str, before: Ends = ()
    ) -> None:
        """The Killing event, the preStop hook, its turn, the engine's stop with what is left of the grace."""
        container = next((each for each in all_containers(pod["spec"]) if each["name"] == running.name), None)
        self._recorder.event(container_reference(pod, running.name), NORMAL, "Killing", message)
        hook = ((container or {}).get("lifecycle") or {}).get("preStop")
        if hook and container is not None and grace > 0:
            grace = await self._pre_stop(pod, container, running, hook, grace)
        if before and grace > 0:
            grace = await _await_turn(before, grace)
        await self._runtime.stop_container(running.id, max(grace, LEAST_GRACE))

    async def _pre_stop(
        self, pod: Object, container: Object, running: RuntimeContainer, hook: Object, grace: float
    ) -> float:
        """Runs the hook for as long as the grace period; returns what is left of it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(grace):
                await self._hooks.run(hook, pod, container, running.id)
        except TimeoutError:
            log.info("preStop hook not completed: container=%s seconds=%g", container["name"], grace)
        except HookFailed as error:
            log.info("preStop hook failed: container=%s error=%s", container["name"], error)
            reference = container_reference(pod, container["name"])
            self._recorder.event(reference, WARNING, "FailedPreStopHook", "PreStopHook failed")
        return grace - (loop.time() - began)


def stopped_before(pod: Object, name: str) -> list[str]:
    """What ends before this container does: for a sidecar all containers, and the sidecars after it."""
    spec = pod["spec"]
    sidecars = [each["name"] for each in spec.get("initContainers") or () if is_sidecar(each)]
    if name not in sidecars:
        return []
    return [*(each["name"] for each in spec["containers"]), *sidecars[sidecars.index(name) + 1 :]]


async def _await_turn(before: Ends, grace: float) -> float:
    """Until all of them have come, or the grace period is over; returns what is left of it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            for end in before:
                await end.wait()
    return grace - (loop.time() - began)


def anything_left(seen: RuntimePod | None) -> bool:
    """Whether something of the pod still runs."""
    if seen is None:
        return False
    sandbox = newest_sandbox(seen)
    alive = (ContainerState.RUNNING, ContainerState.UNKNOWN)
    return (sandbox is not None and sandbox.ready) or any(each.state in alive for each in seen.containers)
