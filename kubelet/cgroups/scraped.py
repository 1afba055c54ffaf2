"""What only a scrape of cAdvisor's metrics asks of a cgroup: its settings and its processes.

Read when somebody asks, and then anew. What is missing is 0.

Source: `common.GetSpec` and `processStatsFromProcs` of cAdvisor 0.52.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kubelet.cgroups.detail import BLKIO, blkio_by_number, io_by_number, limit_of, parse_stat
from kubelet.cgroups.usage import CGROUPS
from kubelet.cgroups.v2 import LEAST_SHARES, MOST_SHARES, MOST_WEIGHT

_CONTROLLERS = ("cpu", "memory", "pids", "blkio")
_CREATED_WITH = ("cgroup.clone_children", "cgroup.events")
"""Written by nobody later on: the folder itself changes with those in it."""


class Spec(NamedTuple):
    """Processors in microseconds of a period, memory in bytes; no quota or limit is 0."""

    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    memory_limit: int = 0
    swap_limit: int = 0
    memory_reservation: int = 0


NO_SPEC = Spec()


class Processes(NamedTuple):
    """Of those in the cgroup itself, not of those below."""

    number: int = 0
    descriptors: int = 0
    sockets: int = 0
    open_files: int | None = None
    """How many the eldest may have open, softly; -1 for no limit, None where there is nobody."""


NOBODY = Processes()


@dataclass(frozen=True, slots=True)
class Scraped:
    spec: Spec = NO_SPEC
    processes: Processes = NOBODY
    most_threads: int = 0
    """0: no limit."""
    kernel_memory: int = 0
    active_file: int = 0
    inactive_file: int = 0
    page_faults: int = 0
    """Of the cgroup itself, not of those below; as the next."""
    major_page_faults: int = 0
    transfers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Bytes to and from devices, by `major:minor`, then by operation in the words of version 1."""
    created: float = 0.0
    """Unix seconds."""


def read_scraped(path: str, *, root: Path = CGROUPS, proc: Path = Path("/proc")) -> Scraped:
    """Of a cgroup by its path below each tree's top."""
    below = path.lstrip("/")
    if (root / "memory").is_dir():
        return _scraped_v1({each: root / each / below for each in _CONTROLLERS}, proc)
    return _scraped_v2(root / below, proc)


def _scraped_v1(group: Mapping[str, Path], proc: Path) -> Scraped:
    cpu, memory = group["cpu"], group["memory"]
    stat = parse_stat(_text(memory / "memory.stat"))
    return Scraped(
        spec=Spec(
            _number(cpu / "cpu.shares"),
            _number(cpu / "cpu.cfs_period_us"),
            _number(cpu / "cpu.cfs_quota_us"),
            limit_of(memory / "memory.limit_in_bytes") or 0,
            limit_of(memory / "memory.memsw.limit_in_bytes") or 0,
            limit_of(memory / "memory.soft_limit_in_bytes") or 0,
        ),
        processes=_processes(cpu, proc),
        most_threads=_number(group["pids"] / "pids.max"),
        kernel_memory=_number(memory / "memory.kmem.usage_in_bytes"),
        active_file=stat.get("total_active_file", 0),
        inactive_file=stat.get("total_inactive_file", 0),
        page_faults=stat.get("pgfault", 0),
        major_page_faults=stat.get("pgmajfault", 0),
        transfers=blkio_by_number(_text(group["blkio"] / BLKIO.format("io_service_bytes"))),
        created=_created(memory),
    )


def _scraped_v2(group: Path, proc: Path) -> Scraped:
    stat = parse_stat(_text(group / "memory.stat"))
    quota, _, period = _text(group / "cpu.max").partition(" ")
    return Scraped(
        spec=Spec(
            shares_of(_number(group / "cpu.weight")),
            int(period or 0),
            int(quota) if quota.isdigit() else 0,
            limit_of(group / "memory.max") or 0,
            limit_of(group / "memory.swap.max") or 0,
            _number(group / "memory.min"),
        ),
        processes=_processes(group, proc),
        most_threads=_number(group / "pids.max"),
        active_file=stat.get("active_file", 0),
        inactive_file=stat.get("inactive_file", 0),
        page_faults=stat.get("pgfault", 0),
        major_page_faults=stat.get("pgmajfault", 0),
        transfers={
            number: {"Read": used.read_bytes, "Write": used.written_bytes}
            for number, used in io_by_number(_text(group / "io.stat")).items()
        },
        created=_created(group),
    )


def shares_of(weight: int) -> int:
    """1 to 10000 as 2 to 262144 shares, in a straight line; 0 of no weight."""
    if weight == 0:
        return 0
    return LEAST_SHARES + (weight - 1) * (MOST_SHARES - LEAST_SHARES) // (MOST_WEIGHT - 1)


def _processes(group: Path, proc: Path) -> Processes:
    pids = [int(each) for each in _text(group / "cgroup.procs").split()]
    links = [link for pid in pids for link in _descriptors(proc / str(pid) / "fd")]
    sockets = sum(link.startswith("socket") for link in links)
    limits = _text(proc / str(min(pids)) / "limits") if pids else ""
    return Processes(len(pids), len(links), sockets, parse_open_files(limits))


def _descriptors(folder: Path) -> Iterator[str]:
    """What each leads to; '' where it has been closed meanwhile."""
    with suppress(OSError):
        for each in os.listdir(folder):
            link = ""
            with suppress(OSError):
                link = os.readlink(folder / each)
            yield link


def parse_open_files(limits: str) -> int | None:
    """The soft limit in the text of /proc/PID/limits."""
    for line in limits.splitlines():
        if line.startswith("Max open files"):
            soft = line.removeprefix("Max open files").split()[0]
            return int(soft) if soft.isdigit() else -1
    return None


def _created(group: Path) -> float:
    """As the folder's time, or that of a file in it that is older."""
    times = []
    for each in (group, *(group / name for name in _CREATED_WITH)):
        with suppress(OSError):
            times.append(each.stat().st_mtime)
    return min(times, default=0.0)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    """0 of what is no number: `max`, or -1."""
    text = _text(path)
    return int(text) if text.isdigit() else 0
