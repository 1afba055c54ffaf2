"""`sampan status`: what runs on this machine, one line a process, and the nodes as the API shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubeadm import supervisor
from kubeadm.config import ClusterConfig


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """A supervised process: pid 0 when it is down; resident memory in MiB."""

    name: str
    pid: int
    memory: int


def processes(config: ClusterConfig) -> list[ProcessStatus]:
    """Every process the cluster was started with."""
    return [_process(config.run_dir, each.name) for each in supervisor.load(config.run_dir)]


def _process(run_dir: Path, name: str) -> ProcessStatus:
    try:
        pid = int((run_dir / f"{name}.pid").read_text())
        fields = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (OSError, ValueError):
        return ProcessStatus(name, 0, 0)
    resident = next((line.split()[1] for line in fields if line.startswith("VmRSS:")), "0")
    return ProcessStatus(name, pid, int(resident) // 1024)


def trouble(config: ClusterConfig) -> list[str]:
    """What is down although it should run, and where to read why."""
    if not supervisor.is_running(config.run_dir):
        return [f"the supervisor does not run; see {config.log_dir}/supervisor.log"]
    down = [process.name for process in processes(config) if not process.pid]
    return [f"{name} is down; see {config.log_dir}/{name}.log" for name in down]


def report(config: ClusterConfig) -> list[str]:
    """The lines that `sampan status` prints."""
    rows = [(p.name, str(p.pid or "-"), f"{p.memory} MiB" if p.pid else "down") for p in processes(config)]
    if not rows:
        return [f"no cluster in {config.state_dir}; start one with: sampan up"]
    width = max(len(name) for name, _, _ in rows)
    supervised = "running" if supervisor.is_running(config.run_dir) else "not running"
    return [f"supervisor: {supervised}", *(f"{n:<{width}}  {pid:>8}  {state}" for n, pid, state in rows)]
