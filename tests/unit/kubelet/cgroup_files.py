"""Stands in for the kernel's files of cgroups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.objects import Object
from kubelet.cgroups.drivers import CgroupfsDriver
from kubelet.cgroups.limits import Limits
from kubelet.cgroups.policy import CgroupPolicy
from kubelet.cgroups.tree import CgroupTree
from tests.unit.kubelet.builders import asking, make_container, make_pod
from tests.unit.kubelet.world import Events


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


MIB = 1 << 20
TOP = ("kubepods",)


class Engine:
    async def cgroup_driver(self) -> str:
        return "cgroupfs"


def make_tree(files: CgroupFiles, **policy: Any) -> tuple[CgroupTree, Events]:
    events = Events()
    tree = CgroupTree(
        CgroupPolicy(TOP, **policy), Engine(), events, node="n1",  # type: ignore[arg-type]
        capacity={"cpu": "2", "memory": "1Gi"}, open=lambda kind: CgroupfsDriver(files),
    )  # fmt: skip
    return tree, events


def pod_asking(request: str, uid: str = "u1", **limits: str) -> Object:
    return make_pod(make_container(**asking({"cpu": request}, limits)), meta={"uid": uid})
