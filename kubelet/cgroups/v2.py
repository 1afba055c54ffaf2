"""cgroups of version 2: one tree, in which each level lends its controllers to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
LEAST_SHARES, MOST_SHARES, MOST_WEIGHT = 2, 262144, 10_000
CONTROLLERS, LENT = "cgroup.controllers", "cgroup.subtree_control"
WANTED = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
"""What the engine wants to find in a pod's cgroup."""


class UnifiedHierarchy:
    def __init__(self, top: Path) -> None:
        self._top = top
        self._controllers = set((top / CONTROLLERS).read_text().split())
        self.page_sizes = huge_page_sizes() if "hugetlb" in self._controllers else []

    def exists(self, path: str) -> bool:
        return (self._top / path).is_dir()

    def create(self, path: str) -> None:
        where = self._top
        for part in path.split("/"):
            self._lend(where)
            where = where / part
            where.mkdir(exist_ok=True)

    def write(self, path: str, limits: Limits) -> None:
        for file, text in files_v2(limits):
            if file.partition(".")[0] in self._controllers:
                write_file(self._top / path / file, text)

    def limit_hugepages(self, path: str, amounts: Mapping[int, int]) -> None:
        if "hugetlb" in self._controllers:
            self.create(path)
            for file, text in hugepage_files(amounts):
                write_file(self._top / path / file, text)

    def remove(self, path: str) -> None:
        remove_directory(self._top / path)

    def kill(self, path: str) -> set[int]:
        return kill_processes(self._top / path)

    def children(self, path: str) -> list[str]:
        return sorted(f"{path}/{each.name}" for each in directories(self._top / path))

    def _lend(self, where: Path) -> None:
        """What `where` has of what is wanted goes on to those below it."""
        has = set((where / CONTROLLERS).read_text().split())
        lent = set((where / LENT).read_text().split())
        for each in WANTED:
            if each in has - lent:
                write_file(where / LENT, f"+{each}")


def files_v2(limits: Limits) -> Iterator[tuple[str, str]]:
    """(file, text)."""
    yield "cpu.weight", str(weight(limits.cpu_shares))
    yield "cpu.max", f"{limits.cpu_quota or 'max'} {PERIOD}"
    yield "memory.max", str(limits.memory or "max")
    yield "pids.max", str(limits.pids or "max")
    yield from hugepage_files(limits.hugepages)


def hugepage_files(amounts: Mapping[int, int]) -> Iterator[tuple[str, str]]:
    for size, amount in amounts.items():
        yield f"hugetlb.{shown_page_size(size)}.max", str(amount)


def weight(shares: int) -> int:
    """2 to 262144 shares as 1 to 10000, in a straight line, as runc does."""
    known = min(max(shares, LEAST_SHARES), MOST_SHARES)
    return 1 + (known - LEAST_SHARES) * (MOST_WEIGHT - 1) // (MOST_SHARES - LEAST_SHARES)


def find_mount_v2(text: str) -> Path | None:
    """Of the text of /proc/mounts: where the one tree is, if it is the only one."""
    kinds = {
        fields[1]: fields[2] for fields in (line.split() for line in text.splitlines()) if len(fields) > 2
    }
    alone = "cgroup" not in kinds.values()
    return next((Path(where) for where, kind in kinds.items() if kind == "cgroup2" and alone), None)
