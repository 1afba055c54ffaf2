"""Where a node's status comes from: the machine and the engine, or (hollow nodes) a description."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kubelet.eviction.pressure import Observations
from kubelet.eviction.thresholds import ALLOCATABLE_MEMORY, Observation
from kubelet.node.machine import Machine, observe_machine
from kubelet.node.status import Health
from kubelet.runtime.interface import ContainerRuntimeError, ImageRef, Runtime, RuntimeVersion
from kubelet.runtime.usage import ContainerUsage
from kubelet.stats.disk import on_one_filesystem

log = logging.getLogger(__name__)

NETWORK_NOT_READY = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


SHUTTING_DOWN = "node is shutting down"


@dataclass(frozen=True, slots=True)
class NodeView:
    """One look at a node."""

    machine: Machine
    pressures: Collection[str]
    """The conditions that are true of those that eviction looks after, e.g. MemoryPressure."""
    images: Sequence[ImageRef]
    version: RuntimeVersion
    health: Health


class NodeSource(Protocol):
    async def look(self) -> NodeView: ...


class MachineSource:
    """This machine and its engine. While the engine is away, what it last said of itself is shown."""

    def __init__(
        self,
        machine: Machine,
        runtime: Runtime,
        pressures: Callable[[], Collection[str]],
        is_shutting_down: Callable[[], bool],
    ) -> None:
        self._machine = machine
        self._runtime = runtime
        self._pressures = pressures
        self._is_shutting_down = is_shutting_down
        self._version = RuntimeVersion("docker", "Unknown", "")
        self._images: Sequence[ImageRef] = ()

    async def look(self) -> NodeView:
        problem = ""
        try:
            self._version = await self._runtime.version()
            self._images = await self._runtime.list_images()
        except ContainerRuntimeError as error:
            log.info("Container runtime is away: error=%s", error)
            problem = "container runtime is down"
        network = "" if self._runtime.network_ready() else NETWORK_NOT_READY
        health = Health(problem, network, SHUTTING_DOWN if self._is_shutting_down() else "")
        return NodeView(self._machine, self._pressures(), self._images, self._version, health)


class PressureSource:
    """What this machine has left, by eviction signal. `pods` tells what all of them use (it blocks)."""

    def __init__(
        self, root: Path, runtime: Runtime, pods: Callable[[], ContainerUsage | None] = lambda: None
    ) -> None:
        self._root = root
        self._runtime = runtime
        self._pods = pods
        self._images: Path | None = None
        self._apart = False

    async def observe(self) -> Observations:
        """Raises RuntimeUnavailable."""
        if self._images is None:
            self._images = Path(await self._runtime.image_folder())
            self._apart = not on_one_filesystem(self._root, self._images)
        return await asyncio.to_thread(self._look, self._images)

    def images_apart(self) -> bool:
        """Whether images have a file system of their own."""
        return self._apart

    def _look(self, images: Path) -> Observations:
        return {**observe_machine(self._root, images), **allocatable_memory(self._pods())}


def allocatable_memory(pods: ContainerUsage | None) -> Observations:
    """What all pods together may still take; nothing where that is not limited."""
    if pods is None or not pods.memory_limit:
        return {}
    left = pods.memory_limit - pods.memory_working_set
    return {ALLOCATABLE_MEMORY: Observation(max(left, 0), pods.memory_limit)}


class DescribedSource:
    """The hollow twin: a machine that never changes."""

    def __init__(self, machine: Machine, version: RuntimeVersion) -> None:
        self._view = NodeView(machine, (), (), version, Health())

    async def look(self) -> NodeView:
        return self._view
