"""What keeps a node from running out of anything, and its pods from being cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apimachinery.durations import parse_duration
from kubelet.cgroups.policy import policy_of as cgroup_policy_of
from kubelet.cgroups.tree import CgroupTree, NoCgroups
from kubelet.events import Recorder
from kubelet.eviction.manager import EvictionManager, policy_of
from kubelet.eviction.reclaim import NodeReclaimer
from kubelet.images.collector import ImageCollector
from kubelet.kubelet import Kubelet
from kubelet.node.machine import Machine
from kubelet.node.sources import PressureSource
from kubelet.node.status import NodeConfig, capacity_of
from kubelet.node_settings import image_policy_of
from kubelet.runtime.interface import Runtime
from kubelet.shutdown.logind import Logind
from kubelet.shutdown.manager import NodeShutdown
from kubelet.shutdown.plan import periods_of
from kubelet.shutdown.record import ShutdownRecord
from kubelet.stats.pods import PodStatsProvider
from kubelet.stats.rates import CpuRates


class NodeGuards:
    """Of a node whose files are under `root`; `pause_image` is never collected."""

    def __init__(
        self,
        configuration: dict[str, Any],
        runtime: Runtime,
        recorder: Recorder,
        *,
        machine: Machine,
        config: NodeConfig,
        root: Path,
        pause_image: str,
    ) -> None:
        node, clock = config.name, time.monotonic
        self.cgroups = _cgroups(configuration, runtime, recorder, machine, config)
        self.stats = PodStatsProvider(
            runtime, root, clock, parse_duration(configuration["volumeStatsAggPeriod"])
        )
        self.rates = CpuRates(runtime, self.cgroups.usage, clock)
        policy = image_policy_of(configuration)
        self.images = ImageCollector(runtime, recorder, policy, node=node, kept=[pause_image], clock=clock)
        source = PressureSource(root, runtime, self.cgroups.usage)
        self.eviction = EvictionManager(
            policy_of(configuration),
            node=node,
            observe=source.observe,
            images_apart=source.images_apart,
            stats=self.stats,
            reclaimer=NodeReclaimer(runtime, self.images),
            recorder=recorder,
            clock=clock,
        )
        record = ShutdownRecord(root, lambda: datetime.now(UTC))
        self.shutdown = NodeShutdown(periods_of(configuration), Logind(), record, recorder, node=node)

    async def run(self, kubelet: Kubelet, report: Callable[[], Awaitable[None]]) -> None:
        """Never ends. `report` tells the API of the node."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.cgroups.keep())
            group.create_task(self.eviction.run(kubelet))
            group.create_task(self.rates.run(kubelet))
            group.create_task(self.images.run())
            group.create_task(self.shutdown.run(kubelet, report))


def _cgroups(
    configuration: dict[str, Any],
    runtime: Runtime,
    recorder: Recorder,
    machine: Machine,
    config: NodeConfig,
) -> CgroupTree | NoCgroups:
    policy = cgroup_policy_of(configuration)
    if policy is None:
        return NoCgroups()
    capacity = {**capacity_of(machine, config), "pid": str(machine.pids)}
    return CgroupTree(policy, runtime, recorder, node=config.name, capacity=capacity)
