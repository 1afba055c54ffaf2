"""Stands in for the kernel's files of cgroups."""

from __future__ import annotations

from collections.abc import Mapping

from kubelet.cgroups.limits import Limits


class CgroupFiles:
    """The kernel's files as a dict; `errors` is what the kernel says to writes, by path."""

    def __init__(self) -> None:
        self.page_sizes: list[int] = []
        self.limits: dict[str, Limits] = {}
        self.history: list[tuple[str, Limits]] = []
        self.killed: list[str] = []
        self.errors: dict[str, OSError] = {}

    def exists(self, path: str) -> bool:
        return path in self.limits

    def create(self, path: str) -> None:
        self.limits.setdefault(path, Limits())

    def write(self, path: str, limits: Limits) -> None:
        if path in self.errors:
            raise self.errors[path]
        self.limits[path] = limits
        self.history.append((path, limits))

    def limit_hugepages(self, path: str, amounts: Mapping[int, int]) -> None:
        raise NotImplementedError

    def remove(self, path: str) -> None:
        self.limits.pop(path, None)

    def kill(self, path: str) -> set[int]:
        self.killed.append(path)
        return set()

    def children(self, path: str) -> list[str]:
        return [each for each in self.limits if each.rpartition("/")[0] == path]
