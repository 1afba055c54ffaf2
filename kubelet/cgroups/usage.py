"""What a process's cgroups and network have used, from the kernel's files. No engine is asked.

cgroups may be of version 1 or 2.

Working set is what cannot be taken back at once: usage without inactive file pages, as cAdvisor counts it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from kubelet.cgroups.detail import detail_v1, detail_v2, limit_of, parse_stat, read_pressure
from kubelet.cgroups.names import uid_in
from kubelet.runtime.usage import ContainerUsage, InterfaceUsage

CGROUPS = Path("/sys/fs/cgroup")


def read_usage(pid: int, *, proc: Path = Path("/proc"), root: Path = CGROUPS) -> ContainerUsage | None:
    """Of all that is in the cgroup of a process; None if it is gone."""
    try:
        paths = _mounted_here((proc / str(pid) / "cgroup").read_text(), proc)
        if "memory" in paths:
            return _read_v1(root, paths)
        return _read_v2(root, paths.get("", "/"))
    except (OSError, ValueError, KeyError):
        return None


def read_group(path: str, root: Path = CGROUPS) -> ContainerUsage | None:
    """Of everything in a cgroup, by its path below each tree's top; None if it is gone."""
    try:
        if (root / "memory").is_dir():
            return _read_v1(root, dict.fromkeys(("memory", "cpu", "cpuacct", "pids", "blkio"), path))
        return _read_v2(root, path)
    except (OSError, ValueError, KeyError):
        return None


def read_group_cpu(path: str, root: Path = CGROUPS) -> int | None:
    """Nanoseconds, the one number of `read_group` that is asked for often; None if it is gone."""
    path = path.lstrip("/")
    try:
        if (root / "cpuacct").is_dir():
            return int((root / "cpuacct" / path / "cpuacct.usage").read_text())
        return parse_stat((root / path / "cpu.stat").read_text())["usage_usec"] * 1000
    except (OSError, ValueError, KeyError):
        return None


def group_of(pid: int, *, proc: Path = Path("/proc")) -> str | None:
    """The path of a process's cgroup below each tree's top; None if it is gone."""
    try:
        paths = _mounted_here((proc / str(pid) / "cgroup").read_text(), proc)
    except OSError:
        return None
    return paths.get("memory", paths.get(""))


def pod_group(container: str, pod_uid: str) -> str:
    """Of a container's cgroup: that of its pod; '' where pods have none."""
    above = container.rpartition("/")[0]
    return above if uid_in(above) == pod_uid else ""


def read_own_usage(proc: Path = Path("/proc"), root: Path = CGROUPS) -> ContainerUsage | None:
    """Of our own cgroup; None if we have none but the machine's."""
    try:
        paths = _mounted_here((proc / "self/cgroup").read_text(), proc)
    except OSError:
        return None
    own = paths.get("memory", paths.get("", "/"))
    return None if own == "/" else read_usage(os.getpid(), proc=proc, root=root)


def read_interfaces(
    pids: Mapping[str, int], *, proc: Path = Path("/proc")
) -> dict[str, list[InterfaceUsage]]:
    """The devices of each process's network namespace, by the same keys; what is gone has none."""
    found = {}
    for key, pid in pids.items():
        with suppress(OSError):
            found[key] = parse_net_dev((proc / str(pid) / "net/dev").read_text())
    return found


def parse_net_dev(text: str) -> list[InterfaceUsage]:
    """The text of /proc/net/dev, without the loopback device."""
    found = []
    for line in text.splitlines()[2:]:
        name, _, rest = line.partition(":")
        fields = [int(each) for each in rest.split()]
        if name.strip() != "lo":
            used = (fields[each] for each in (0, 2, 8, 10, 1, 3, 9, 11))
            found.append(InterfaceUsage(name.strip(), *used))
    return found


def parse_cgroups(text: str) -> dict[str, str]:
    """Controller -> path; version 2's one hierarchy has the name ''."""
    lines = (line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2)
    return {name: path for _, names, path in lines for name in names.split(",")}


def parse_roots(text: str) -> dict[str, str]:
    """Of the text of mountinfo: controller -> what of its hierarchy is mounted, in a container not all."""
    roots: dict[str, str] = {}
    for line in text.splitlines():
        mount, _, source = line.partition(" - ")
        kind, *_, options = source.split()
        if kind.startswith("cgroup"):
            for name in options.split(",") if kind == "cgroup" else ("",):
                roots.setdefault(name, mount.split()[3])
    return roots


def below(path: str, root: str) -> str:
    """A path of a hierarchy as it is seen where only `root` of it is mounted."""
    return path.removeprefix(root) or "/" if f"{path}/".startswith(f"{root}/") else path


def _mounted_here(text: str, proc: Path) -> dict[str, str]:
    roots = _roots(proc)
    return {name: below(path, roots.get(name, "/")) for name, path in parse_cgroups(text).items()}


@cache
def _roots(proc: Path) -> Mapping[str, str]:
    """They do not change as long as we live."""
    with suppress(FileNotFoundError):
        return parse_roots((proc / "self/mountinfo").read_text())
    return {}


def _read_v1(root: Path, paths: Mapping[str, str]) -> ContainerUsage:
    memory = root / "memory" / paths["memory"].lstrip("/")
    cpu = root / "cpuacct" / paths["cpuacct"].lstrip("/")
    stat = parse_stat((memory / "memory.stat").read_text())
    used = int((memory / "memory.usage_in_bytes").read_text())
    return ContainerUsage(
        cpu_nanoseconds=int((cpu / "cpuacct.usage").read_text()),
        memory_usage=used,
        memory_working_set=max(used - stat.get("total_inactive_file", 0), 0),
        memory_rss=stat.get("total_rss", 0),
        processes=_number(root / "pids" / paths.get("pids", "").lstrip("/") / "pids.current"),
        page_faults=stat.get("total_pgfault", 0),
        major_page_faults=stat.get("total_pgmajfault", 0),
        memory_limit=limit_of(memory / "memory.limit_in_bytes") or 0,
        cgroup=f"/{paths['memory'].lstrip('/')}",
        detail=detail_v1(root, paths, stat),
    )


def _read_v2(root: Path, path: str) -> ContainerUsage:
    group = root / path.lstrip("/")
    stat, cpu = parse_stat((group / "memory.stat").read_text()), parse_stat((group / "cpu.stat").read_text())
    used = int((group / "memory.current").read_text())
    return ContainerUsage(
        cpu_nanoseconds=cpu["usage_usec"] * 1000,
        memory_usage=used,
        memory_working_set=max(used - stat.get("inactive_file", 0), 0),
        memory_rss=stat.get("anon", 0),
        processes=_number(group / "pids.current"),
        page_faults=stat.get("pgfault", 0),
        major_page_faults=stat.get("pgmajfault", 0),
        memory_limit=limit_of(group / "memory.max") or 0,
        cgroup=f"/{path.lstrip('/')}",
        detail=detail_v2(group, stat, cpu),
        pressure=read_pressure(group),
    )


def _number(path: Path) -> int:
    """0 where the controller is not there."""
    return int(path.read_text()) if path.exists() else 0
