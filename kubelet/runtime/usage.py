"""What containers use: processors, memory, processes, devices, disk, and how long they waited for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kubelet.stats.disk import NO_DISK, DiskUsage


class Stall(NamedTuple):
    """Microseconds since its start, and percent of the last 10, 60 and 300 seconds."""

    total: int = 0
    avg10: float = 0.0
    avg60: float = 0.0
    avg300: float = 0.0


class Pressure(NamedTuple):
    """Time in which some, or all, that runs waited for a resource."""

    some: Stall = Stall()
    full: Stall = Stall()


class DeviceUse(NamedTuple):
    """What has passed to and from a block device."""

    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True)
class UsageDetail:
    """What only cAdvisor tells. Nanoseconds and counts since its start, bytes now."""

    cpu_user: int = 0
    cpu_system: int = 0
    periods: int = 0
    throttled_periods: int = 0
    throttled: int = 0
    cache: int = 0
    mapped_files: int = 0
    swap: int = 0
    swap_limit: int | None = None
    """Beyond memory; None for no limit."""
    most_memory: int = 0
    limit_hits: int = 0
    oom_kills: int = 0
    devices: Mapping[str, DeviceUse] = field(default_factory=dict)
    """By /dev/NAME."""


NO_DETAIL = UsageDetail()


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """cpu_nanoseconds since its start; bytes now."""

    cpu_nanoseconds: int
    memory_usage: int
    memory_working_set: int
    memory_rss: int
    processes: int = 0
    page_faults: int = 0
    major_page_faults: int = 0
    memory_limit: int = 0
    """0: none."""
    cgroup: str = ""
    """Its path below each tree's top."""
    detail: UsageDetail = NO_DETAIL
    pressure: Mapping[str, Pressure] = field(default_factory=dict)
    """Of cpu, memory and io; only cgroups of version 2 tell."""


@dataclass(frozen=True, slots=True)
class InterfaceUsage:
    """A network device and what has passed through it."""

    name: str
    rx_bytes: int
    rx_errors: int
    tx_bytes: int
    tx_errors: int
    rx_packets: int = 0
    rx_dropped: int = 0
    tx_packets: int = 0
    tx_dropped: int = 0


@dataclass(frozen=True, slots=True)
class ContainerDisk:
    """What a container has written: its writable layer, and its log with those rotated away."""

    root: DiskUsage = NO_DISK
    logs: DiskUsage = NO_DISK
