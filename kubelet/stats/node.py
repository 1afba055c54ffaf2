"""What the whole machine uses, from the kernel's files; the texts are parsed by pure functions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubelet.cgroups.detail import read_pressure
from kubelet.cgroups.usage import CGROUPS, parse_net_dev, read_own_usage
from kubelet.runtime.usage import ContainerUsage, InterfaceUsage, Pressure, UsageDetail
from kubelet.stats.disk import Filesystem, filesystem_of

NANO = 10**9
NODE = "node"
"""The node's key among the counts of processor time; parts of its system have `node/NAME`."""


@dataclass(frozen=True, slots=True)
class NodeStats:
    usage: ContainerUsage
    memory_available: int
    interfaces: tuple[InterfaceUsage, ...]
    filesystem: Filesystem
    """Of the pods' files."""
    images: Filesystem
    processes: int
    maximum_processes: int
    boot_time: float
    """Unix seconds, as is the next."""
    kubelet_began: float
    containers: Mapping[str, ContainerUsage] = field(default_factory=dict)
    """The parts of the system that have cgroups: `kubelet`, `pods`."""


AllPods = Callable[[], ContainerUsage | None]
"""What all pods use together, by their cgroup; blocks."""


async def node_usage_now() -> ContainerUsage:
    return await asyncio.to_thread(_usage)


async def inspect_node(root: Path, images: Path, all_pods: AllPods) -> NodeStats:
    return await asyncio.to_thread(_inspect, root, images, all_pods)


def node_counts(all_pods: AllPods) -> dict[str, int]:
    """Nanoseconds of processor time, of the node and of the parts of its system. Blocks."""
    parts = {f"{NODE}/{name}": used.cpu_nanoseconds for name, used in _system(all_pods).items()}
    return {NODE: _usage().cpu_nanoseconds, **parts}


def node_interfaces() -> list[InterfaceUsage]:
    """Of the machine, but for the loopback."""
    return parse_net_dev(Path("/proc/net/dev").read_text())


def _usage() -> ContainerUsage:
    stat, meminfo = Path("/proc/stat").read_text(), Path("/proc/meminfo").read_text()
    return node_usage(stat, meminfo, os.sysconf("SC_CLK_TCK"), read_pressure(CGROUPS))


def _inspect(root: Path, images: Path, all_pods: AllPods) -> NodeStats:
    stat, meminfo = Path("/proc/stat").read_text(), Path("/proc/meminfo").read_text()
    boot, began = start_times()
    return NodeStats(
        usage=node_usage(stat, meminfo, os.sysconf("SC_CLK_TCK"), read_pressure(CGROUPS)),
        memory_available=_amounts(meminfo)["MemAvailable"],
        interfaces=tuple(node_interfaces()),
        filesystem=filesystem_of(root),
        images=filesystem_of(images),
        processes=int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2]),
        maximum_processes=int(Path("/proc/sys/kernel/pid_max").read_text()),
        boot_time=boot,
        kubelet_began=began,
        containers=_system(all_pods),
    )


def _system(all_pods: AllPods) -> dict[str, ContainerUsage]:
    parts = {"kubelet": read_own_usage(), "pods": all_pods()}
    return {name: used for name, used in parts.items() if used is not None}


def start_times() -> tuple[float, float]:
    """The machine's and this process's, in Unix seconds."""
    stat, own = Path("/proc/stat").read_text(), Path("/proc/self/stat").read_text()
    boot = float(next(line.split()[1] for line in stat.splitlines() if line.startswith("btime")))
    return boot, boot + began_after(own, os.sysconf("SC_CLK_TCK"))


def began_after(stat: str, ticks_per_second: int) -> float:
    """Seconds from the machine's start to that of a process, of the text of its /proc/PID/stat."""
    return int(stat.rpartition(")")[2].split()[19]) / ticks_per_second


def node_usage(
    stat: str, meminfo: str, ticks_per_second: int, pressure: Mapping[str, Pressure] | None = None
) -> ContainerUsage:
    """From the texts of /proc/stat and /proc/meminfo."""
    fields = [int(each) for each in stat.splitlines()[0].split()[1:9]]
    busy = sum(fields) - fields[3] - fields[4]  # idle and iowait
    memory = _amounts(meminfo)
    swap = memory.get("SwapTotal", 0)
    used = memory["MemTotal"] - memory["MemAvailable"]
    return ContainerUsage(
        busy * NANO // ticks_per_second,
        memory["MemTotal"] - memory["MemFree"],
        used,
        memory.get("AnonPages", used),
        detail=UsageDetail(swap=swap - memory.get("SwapFree", 0), swap_limit=swap),
        pressure=pressure or {},
    )


def _amounts(meminfo: str) -> dict[str, int]:
    """Bytes by name."""
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in meminfo.splitlines() if ":" in line}
