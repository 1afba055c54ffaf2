"""Where a node's status comes from: the machine and the engine, or (hollow nodes) a description."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kubelet.node.machine import Machine, Pressure, inspect_pressure
from kubelet.node.status import Health
from kubelet.runtime.interface import ContainerRuntimeError, ImageRef, Runtime, RuntimeVersion

NETWORK_NOT_READY = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


@dataclass(frozen=True, slots=True)
class NodeView:
    """One look at a node."""

    machine: Machine
    pressure: Pressure
    images: Sequence[ImageRef]
    version: RuntimeVersion
    health: Health


class NodeSource(Protocol):
    async def look(self) -> NodeView: ...


class MachineSource:
    """This machine and its engine. While the engine is away, what it last said of itself is shown."""

    def __init__(self, machine: Machine, root_dir: Path, runtime: Runtime) -> None:
        self._machine = machine
        self._root_dir = root_dir
        self._runtime = runtime
        self._version = RuntimeVersion("docker", "Unknown", "")
        self._images: Sequence[ImageRef] = ()

    async def look(self) -> NodeView:
        problem = ""
        try:
            self._version = await self._runtime.version()
            self._images = await self._runtime.list_images()
        except ContainerRuntimeError as error:
            problem = f"container runtime is down: {error}"
        network = "" if self._runtime.network_ready() else NETWORK_NOT_READY
        pressure = await asyncio.to_thread(inspect_pressure, self._root_dir)
        return NodeView(self._machine, pressure, self._images, self._version, Health(problem, network))


class DescribedSource:
    """The hollow twin: a machine that never changes."""

    def __init__(self, machine: Machine, version: RuntimeVersion) -> None:
        pressure = Pressure(machine.memory, machine.disk, machine.inodes, 0)
        self._view = NodeView(machine, pressure, (), version, Health())

    async def look(self) -> NodeView:
        return self._view
