"""cgroups of version 1: a tree for each controller, mounted side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from kubelet.cgroups.files import (
    directories,
    huge_page_sizes,
    kill_processes,
    remove_directory,
    shown_page_size,
    write_file,
)
from kubelet.cgroups.limits import Limits

PERIOD = 100_000
UNIFIED = "unified"
OURS = ("cpu", "cpuacct", "memory", "pids", "hugetlb")
"""What we limit or count by; the engine makes cgroups of its own in the trees of all the others, too."""


class SeparateHierarchies:
    def __init__(self, mounts: Mapping[str, Path], shared: Collection[str] = ()) -> None:
        """`mounts` by controller, with those that limit nothing (`name=systemd`).

        In trees that are `shared` with other machines there are pods of theirs, too.
        """
        self._mounts = mounts
        self._own = {mount for name, mount in mounts.items() if name not in shared}
        self._ours = {name: mounts[name] for name in OURS if name in mounts}
        self.page_sizes = huge_page_sizes() if "hugetlb" in mounts else []

    def exists(self, path: str) -> bool:
        return all((mount / path).is_dir() for mount in self._ours.values())

    def create(self, path: str) -> None:
        for mount in self._ours.values():
            (mount / path).mkdir(parents=True, exist_ok=True)

    def write(self, path: str, limits: Limits) -> None:
        for controller, file, text in files_v1(limits):
            if controller in self._ours:
                write_file(self._ours[controller] / path / file, text)

    def limit_hugepages(self, path: str, amounts: Mapping[int, int]) -> None:
        if "hugetlb" in self._ours:
            where = self._ours["hugetlb"] / path
            where.mkdir(parents=True, exist_ok=True)
            for file, text in hugepage_files(amounts):
                write_file(where / file, text)

    def remove(self, path: str) -> None:
        for mount in set(self._mounts.values()):
            remove_directory(mount / path)

    def kill(self, path: str) -> set[int]:
        return {pid for mount in set(self._mounts.values()) for pid in kill_processes(mount / path)}

    def children(self, path: str) -> list[str]:
        names = {each.name for mount in self._own for each in directories(mount / path)}
        return [f"{path}/{name}" for name in sorted(names)]


def files_v1(limits: Limits) -> Iterator[tuple[str, str, str]]:
    """(controller, file, text)."""
    yield "cpu", "cpu.shares", str(limits.cpu_shares)
    yield "cpu", "cpu.cfs_period_us", str(PERIOD)
    yield "cpu", "cpu.cfs_quota_us", str(limits.cpu_quota or -1)
    yield "memory", "memory.limit_in_bytes", str(limits.memory or -1)
    yield "pids", "pids.max", str(limits.pids or "max")
    for file, text in hugepage_files(limits.hugepages):
        yield "hugetlb", file, text


def hugepage_files(amounts: Mapping[int, int]) -> Iterator[tuple[str, str]]:
    for size, amount in amounts.items():
        yield f"hugetlb.{shown_page_size(size)}.limit_in_bytes", str(amount)


def parse_mounts_v1(text: str) -> dict[str, Path]:
    """Of the text of /proc/mounts: controller -> where its tree is.

    A tree of version 2 beside them limits nothing, but the engine makes cgroups in it, too.
    """
    found: dict[str, Path] = {}
    for fields in (line.split() for line in text.splitlines()):
        if len(fields) > 3 and fields[2] == "cgroup2":
            found[UNIFIED] = Path(fields[1])
        elif len(fields) > 3 and fields[2] == "cgroup":
            for option in fields[3].split(","):
                if option not in ("rw", "ro", "relatime", "nosuid", "nodev", "noexec"):
                    found.setdefault(option, Path(fields[1]))
    return found


def shared_trees(roots: Mapping[str, str]) -> set[str]:
    """Of the roots by controller: a container has its own part of one tree, and all of another."""
    own = roots.get("memory")
    return {name or UNIFIED for name, root in roots.items() if own is not None and root != own}
