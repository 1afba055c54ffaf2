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
from kubelet.stats.node import NODE, NodeStats
from kubelet.stats.pods import PodStats, started_at


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary is made of, at one time."""

    node_name: str
    node: NodeStats
    time: str
    rates: Mapping[str, int]
    """Nanocores, by the keys of CpuRates."""
    claims: Mapping[str, Sequence[ClaimStats]] = field(default_factory=dict)
    """By the pod's uid."""
    tells_pressure: bool = True
    is_brief: bool = False
    """Processors and memory only."""

    def build(self, pods: Iterable[tuple[Object, PodStats]]) -> Object:
        return {"node": self._node(), "pods": [self._pod(pod, stats) for pod, stats in pods]}

    def _node(self) -> Object:
        node = self.node
        return {
            "nodeName": self.node_name,
            "systemContainers": [self._system(name, usage) for name, usage in node.containers.items()],
            "startTime": moment(node.boot_time),
            **self._use(node.usage, NODE),
            "memory": {**self._memory(node.usage), "availableBytes": node.memory_available},
            **({} if self.is_brief else self._rest_of_node()),
        }

    def _rest_of_node(self) -> Object:
        node = self.node
        images = self._fs(node.images.used, node.images)
        return {
            "network": self._network(node.interfaces),
            "fs": self._fs(node.filesystem.used, node.filesystem),
            "runtime": {"imageFs": images, "containerFs": images},
            "rlimit": {"time": self.time, "maxpid": node.maximum_processes, "curproc": node.processes},
        }

    def _system(self, name: str, usage: ContainerUsage) -> Object:
        began = self.node.kubelet_began if name == "kubelet" else self.node.boot_time
        return {"name": name, "startTime": moment(began), **self._use(usage, f"{NODE}/{name}")}

    def _pod(self, pod: Object, stats: PodStats) -> Object:
        uid = uid_of(pod)
        return {
            "podRef": {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid},
            "startTime": (pod.get("status") or {}).get("startTime"),
            "containers": [self._container(pod, name, stats) for name in stats.usage],
            **self._use(stats.whole, uid),
            **({} if self.is_brief else self._rest_of_pod(uid, stats)),
        }

    def _rest_of_pod(self, uid: str, stats: PodStats) -> Object:
        return {
            **({"network": self._network(stats.interfaces)} if stats.interfaces else {}),
            **self._volumes(stats, self.claims.get(uid, ())),
            "ephemeral-storage": self._fs(stats.disk, self.node.filesystem),
            "process_stats": {"process_count": stats.processes},
        }

    def _container(self, pod: Object, name: str, stats: PodStats) -> Object:
        disk = stats.disks.get(name)
        disks = {
            "rootfs": self._fs(disk.root, self.node.images),
            "logs": self._fs(disk.logs, self.node.filesystem),
        } if disk else {}  # fmt: skip
        return {
            "name": name,
            "startTime": started_at(pod, name),
            **self._use(stats.usage[name], f"{uid_of(pod)}/{name}"),
            **disks,
        }

    def _volumes(self, stats: PodStats, claims: Iterable[ClaimStats]) -> Object:
        measured = {**stats.volumes, **stats.other_volumes}
        volumes = [
            *(
                {**self._fs(used, stats.filesystems.get(name, self.node.filesystem)), "name": name}
                for name, used in measured.items()
            ),
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

    def _use(self, usage: ContainerUsage, key: str) -> Object:
        """What is told of whatever has a cgroup; what is not known yet counts as 0 nanocores."""
        return {
            "cpu": {
                "time": self.time,
                "usageNanoCores": self.rates.get(key, 0),
                "usageCoreNanoSeconds": usage.cpu_nanoseconds,
                **self._pressure(usage, "cpu"),
            },
            "memory": self._memory(usage),
            **({} if self.is_brief else self._io(usage)),
            "swap": self._swap(usage.detail),
        }

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

    def _swap(self, detail: UsageDetail) -> Object:
        limit = detail.swap_limit
        available = {} if limit is None else {"swapAvailableBytes": max(limit - detail.swap, 0)}
        return {"time": self.time, **available, "swapUsageBytes": detail.swap}

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
