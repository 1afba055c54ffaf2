"""`sampan status`: what runs on this machine, one line a process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubeadm.config import ClusterConfig
from kubeadm.launcher import launcher_of


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """A process of the cluster: pid 0 when it is down; resident memory in MiB."""

    name: str
    pid: int
    memory: int
    log: str


def processes(config: ClusterConfig) -> list[ProcessStatus]:
    """Every process that this machine was started with."""
    return [
        ProcessStatus(each.name, each.pid, memory, each.log)
        if (memory := _resident(each.pid)) is not None
        else ProcessStatus(each.name, 0, 0, each.log)
        for each in launcher_of(config).processes()
    ]


def _resident(pid: int) -> int | None:
    """MiB; None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    resident = next((line.split()[1] for line in fields if line.startswith("VmRSS:")), "0")
    return int(resident) // 1024


def trouble(config: ClusterConfig) -> list[str]:
    """What is down although it should run, and where to read why."""
    launcher = launcher_of(config)
    if not launcher.is_running():
        return [f"{launcher.name} does not run anything; see: sampan status"]
    return [f"{each.name} is down; see {each.log}" for each in processes(config) if not each.pid]


def report(config: ClusterConfig) -> list[str]:
    """The lines that `sampan status` prints."""
    rows = [(p.name, str(p.pid or "-"), f"{p.memory} MiB" if p.pid else "down") for p in processes(config)]
    if not rows:
        return [f"no cluster in {config.state_dir}; start one with: sampan up"]
    width = max(len(name) for name, _, _ in rows)
    launcher = launcher_of(config)
    state = "running" if launcher.is_running() else "not running"
    return [f"{launcher.name}: {state}", *(f"{n:<{width}}  {pid:>8}  {what}" for n, pid, what in rows)]
