"""Memory and CPU of the cluster's processes, from /proc."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kubeadm.config import ClusterConfig
from kubeadm.status import processes

TICKS = os.sysconf("SC_CLK_TCK")


def resident(config: ClusterConfig) -> dict[str, float]:
    """MiB of each process."""
    return {process.name: process.memory for process in processes(config)}


def cpu(config: ClusterConfig, seconds: float) -> dict[str, float]:
    """Percent of one core that each process used over the next so many seconds."""
    before = _ticks(config)
    time.sleep(seconds)
    after = _ticks(config)
    return {name: 100 * (after[name] - ticks) / TICKS / seconds for name, ticks in before.items()}


def pid_of(config: ClusterConfig, name: str) -> int:
    """0 while it is down."""
    return next((process.pid for process in processes(config) if process.name == name), 0)


def seconds_of(pid: int) -> float:
    """The CPU time that a process has used since it began."""
    return _ticks_of(pid) / TICKS


def _ticks(config: ClusterConfig) -> dict[str, int]:
    return {process.name: _ticks_of(process.pid) for process in processes(config) if process.pid}


def _ticks_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
