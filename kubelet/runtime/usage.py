"""What containers use: processors, memory, processes, network devices, disk."""

from __future__ import annotations

from dataclasses import dataclass

from kubelet.stats.disk import NO_DISK, DiskUsage


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


@dataclass(frozen=True, slots=True)
class InterfaceUsage:
    """A network device and what has passed through it."""

    name: str
    rx_bytes: int
    rx_errors: int
    tx_bytes: int
    tx_errors: int


@dataclass(frozen=True, slots=True)
class ContainerDisk:
    """What a container has written: its writable layer, and its log with those rotated away."""

    root: DiskUsage = NO_DISK
    logs: DiskUsage = NO_DISK
