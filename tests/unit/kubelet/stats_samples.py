"""A pod and a node, and what they use."""

from __future__ import annotations

from kubelet.runtime.usage import (
    ContainerDisk,
    ContainerUsage,
    DeviceUse,
    InterfaceUsage,
    Pressure,
    Stall,
    UsageDetail,
)
from kubelet.stats.disk import DiskUsage, Filesystem
from kubelet.stats.node import NodeStats
from kubelet.stats.pods import PodStats
from tests.unit.kubelet.builders import make_pod

STATUS = {
    "containerStatuses": [
        {
            "name": "web",
            "image": "busybox:1",
            "containerID": "docker://1",
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }
    ],
    "startTime": "2026-01-01T00:00:00Z",
}
POD = make_pod(status=STATUS)
ETH0 = InterfaceUsage("eth0", 10, 1, 20, 2, 2, 0, 3, 0)
DETAIL = UsageDetail(
    cpu_user=1_000_000_000, throttled=500_000_000, cache=50, devices={"/dev/sda": DeviceUse(1, 2, 3, 4)}
)
PRESSURE = {
    "memory": Pressure(Stall(2_000_000, 1.5, 0.5, 0.1), Stall(1_000_000, 0.5, 0.2, 0.0)),
    "io": Pressure(),
}
USAGE = ContainerUsage(
    *(1_500_000_000, 300, 200, 100, 3, 7, 1),
    memory_limit=1000,
    cgroup="/kubepods/p/1",
    detail=DETAIL,
    pressure=PRESSURE,
)
STATS = PodStats(
    {"web": USAGE},
    {"web": ContainerDisk(DiskUsage(1000, 5), DiskUsage(100, 1))},
    {"scratch": DiskUsage(10, 2)},
    {"token": DiskUsage(4, 1)},
    (ETH0,),
)
DISK = Filesystem(capacity=1000, available=400, free=450, inodes=100, inodes_free=60)
NODE = NodeStats(
    ContainerUsage(9, 30, 20, 10, detail=UsageDetail(swap=1, swap_limit=5)),
    *(80, (ETH0,), DISK, DISK, 5, 32768, 0.0, 3.0),
    containers={
        "kubelet": ContainerUsage(1, 0, 0, 0),
        "pods": ContainerUsage(70, 30, 20, 10, memory_limit=100),
    },
)
