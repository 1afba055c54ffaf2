"""Thresholds, what is observed of a node, and pods with what they use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.objects import Object
from kubelet.eviction.thresholds import MEMORY, NODEFS, Amount, Observation, Threshold
from kubelet.runtime.usage import ContainerDisk, ContainerUsage
from kubelet.stats.disk import DiskUsage
from kubelet.stats.pods import PodStats
from tests.unit.kubelet.builders import make_container, make_pod

MI, GI = 1 << 20, 1 << 30
HARD = Threshold(MEMORY, Amount(100 * MI))
SOFT = Threshold(MEMORY, Amount(GI), grace=60.0)
DISK = Threshold(NODEFS, Amount(share=0.1), reclaim=Amount(5 * GI))
EMPTY_DIR = {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]}


def seen(memory: int = 2 * GI, disk: int = 50 * GI) -> Mapping[str, Observation]:
    return {MEMORY: Observation(memory, 4 * GI), NODEFS: Observation(disk, 100 * GI)}


def pod(name: str, priority: int = 0, **resources: Any) -> Object:
    container = make_container(resources=resources) if resources else make_container()
    return make_pod(container, meta={"name": name, "uid": name}, priority=priority)


def uses(memory: int = 0, root: int = 0, processes: int = 0, **volumes: int) -> PodStats:
    return PodStats(
        {"web": ContainerUsage(0, memory, memory, memory, processes)},
        {"web": ContainerDisk(DiskUsage(root, 1))},
        {name: DiskUsage(size, 1) for name, size in volumes.items()},
    )
