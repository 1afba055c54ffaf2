"""The summary API: /stats/summary in upstream's shape (stats.kubelet.k8s.io/v1alpha1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.pods.container_status import moment
from kubelet.runtime.usage import ContainerUsage, InterfaceUsage, UsageDetail
from kubelet.stats.claims import ClaimStats
from kubelet.stats.disk import DiskUsage, Filesystem
from kubelet.stats.node import NodeStats
from kubelet.stats.pods import PodStats, started_at

NODE = "node"
"""The node's key among the counts of processor time; containers have `UID/NAME`, its own `node/NAME`."""


def cpu_counts(node: NodeStats | None, pods: Mapping[str, PodStats]) -> dict[str, int]:
    """What rates are made of."""
    counts = {
        f"{uid}/{name}": use.cpu_nanoseconds for uid, pod in pods.items() for name, use in pod.usage.items()
    }
    if node is None:
        return counts
    own = {f"{NODE}/{name}": used.cpu_nanoseconds for name, used in node.containers.items()}
    return counts | own | {NODE: node.usage.cpu_nanoseconds}


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary is made of, at one time."""

    node_name: str
    node: NodeStats
    time: str
    rates: Mapping[str, int]
    """Nanocores by the keys of `cpu_counts`."""
    claims: Mapping[str, Sequence[ClaimStats]] = field(default_factory=dict)
    """By the pod's uid."""
    tells_pressure: bool = True

    def build(self, pods: Iterable[tuple[Object, PodStats]]) -> Object:
        return {"node": self._node(), "pods": [self._pod(pod, stats) for pod, stats in pods]}

    def _node(self) -> Object:
        node = self.node
        images = self._fs(node.images.used, node.images)
        return {
            "nodeName": self.node_name,
            "systemContainers": [self._system(name, usage) for name, usage in node.containers.items()],
            "startTime": moment(node.boot_time),
            "cpu": self._cpu(node.usage, self.rates.get(NODE)),
            "memory": {**self._memory(node.usage), "availableBytes": node.memory_available},
            **self._io(node.usage),
            "network": self._network(node.interfaces),
            "fs": self._fs(node.filesystem.used, node.filesystem),
            "runtime": {"imageFs": images, "containerFs": images},
            "swap": {
                "time": self.time,
                "swapAvailableBytes": node.swap_available,
                "swapUsageBytes": node.usage.detail.swap,
            },
            "rlimit": {"time": self.time, "maxpid": node.maximum_processes, "curproc": node.processes},
        }

    def _system(self, name: str, usage: ContainerUsage) -> Object:
        return {
            "name": name,
            "startTime": moment(self.node.boot_time),
            "cpu": self._cpu(usage, self.rates.get(f"{NODE}/{name}")),
            "memory": self._memory(usage),
        }

    def _pod(self, pod: Object, stats: PodStats) -> Object:
        uid = uid_of(pod)
        rates = [self.rates[key] for name in stats.usage if (key := f"{uid}/{name}") in self.rates]
        total = _sum(stats.usage.values())
        return {
            "podRef": {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid},
            "startTime": (pod.get("status") or {}).get("startTime"),
            "containers": [self._container(pod, name, stats) for name in stats.usage],
            "cpu": self._cpu(total, sum(rates) if rates else None),
            "memory": self._memory(total),
            **({"network": self._network(stats.interfaces)} if stats.interfaces else {}),
            **self._volumes(stats, self.claims.get(uid, ())),
            "ephemeral-storage": self._fs(stats.disk, self.node.filesystem),
            "process_stats": {"process_count": stats.processes},
            "swap": self._swap(total),
        }

    def _container(self, pod: Object, name: str, stats: PodStats) -> Object:
        usage, disk = stats.usage[name], stats.disks.get(name)
        disks = {
            "rootfs": self._fs(disk.root, self.node.images),
            "logs": self._fs(disk.logs, self.node.filesystem),
        } if disk else {}  # fmt: skip
        return {
            "name": name,
            "startTime": started_at(pod, name),
            "cpu": self._cpu(usage, self.rates.get(f"{uid_of(pod)}/{name}")),
            "memory": self._memory(usage),
            **self._io(usage),
            "swap": self._swap(usage),
            **disks,
        }

    def _volumes(self, stats: PodStats, claims: Iterable[ClaimStats]) -> Object:
        measured = {**stats.volumes, **stats.other_volumes}
        volumes = [
            *({**self._fs(used, self.node.filesystem), "name": name} for name, used in measured.items()),
            *(
                {
                    **self._fs(each.filesystem.used, each.filesystem),
                    "name": each.volume,
                    "pvcRef": {"name": each.claim.name, "namespace": each.claim.namespace},
                }
                for each in claims
            ),
        ]
        return {"volume": volumes} if volumes else {}

    def _cpu(self, usage: ContainerUsage, rate: int | None) -> Object:
        shown = {
            "time": self.time,
            "usageCoreNanoSeconds": usage.cpu_nanoseconds,
            **self._pressure(usage, "cpu"),
        }
        return shown if rate is None else {**shown, "usageNanoCores": rate}

    def _memory(self, usage: ContainerUsage) -> Object:
        available = usage.memory_limit - usage.memory_working_set
        return {
            "time": self.time,
            **({"availableBytes": max(available, 0)} if usage.memory_limit else {}),
            "usageBytes": usage.memory_usage,
            "workingSetBytes": usage.memory_working_set,
            "rssBytes": usage.memory_rss,
            "pageFaults": usage.page_faults,
            "majorPageFaults": usage.major_page_faults,
            **self._pressure(usage, "memory"),
        }

    def _swap(self, usage: ContainerUsage) -> Object:
        return {"time": self.time, "swapUsageBytes": usage.detail.swap}

    def _io(self, usage: ContainerUsage) -> Object:
        pressure = self._pressure(usage, "io")
        return {"io": {"time": self.time, **pressure}} if pressure else {}

    def _pressure(self, usage: ContainerUsage, resource: str) -> Object:
        found = usage.pressure.get(resource)
        if found is None or not self.tells_pressure:
            return {}
        return {"psi": {"full": found.full._asdict(), "some": found.some._asdict()}}

    def _fs(self, used: DiskUsage, filesystem: Filesystem) -> Object:
        return {
            "time": self.time,
            "availableBytes": filesystem.available,
            "capacityBytes": filesystem.capacity,
            "usedBytes": used.bytes,
            "inodesFree": filesystem.inodes_free,
            "inodes": filesystem.inodes,
            "inodesUsed": used.inodes,
        }

    def _network(self, interfaces: Iterable[InterfaceUsage]) -> Object:
        shown = [_interface(each) for each in interfaces]
        default: dict[str, Any] = next((each for each in shown if each["name"] == "eth0"), {})
        return {"time": self.time, **default, "interfaces": shown}


def _interface(usage: InterfaceUsage) -> Object:
    return {
        "name": usage.name,
        "rxBytes": usage.rx_bytes,
        "rxErrors": usage.rx_errors,
        "txBytes": usage.tx_bytes,
        "txErrors": usage.tx_errors,
    }


def _sum(used: Iterable[ContainerUsage]) -> ContainerUsage:
    """Limits do not add up: a pod has none here."""
    used = list(used)
    return ContainerUsage(
        sum(each.cpu_nanoseconds for each in used),
        sum(each.memory_usage for each in used),
        sum(each.memory_working_set for each in used),
        sum(each.memory_rss for each in used),
        sum(each.processes for each in used),
        sum(each.page_faults for each in used),
        sum(each.major_page_faults for each in used),
        detail=UsageDetail(swap=sum(each.detail.swap for each in used)),
    )
