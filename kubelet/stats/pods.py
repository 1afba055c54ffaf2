"""What each pod uses, put together from the engine's counts and the pod's own directories.

Measuring a disk means walking through it: pods that nothing can happen to are measured now and then.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from apimachinery.objects import Object, get_path, uid_of
from kubelet.cgroups.usage import pod_group, read_group
from kubelet.metrics import VOLUME_STATS_SECONDS
from kubelet.runtime.interface import Runtime
from kubelet.runtime.usage import ContainerDisk, ContainerUsage, InterfaceUsage, UsageDetail
from kubelet.stats.disk import DiskUsage, Filesystem, filesystem_of, measure, total

REST, LONGEST_REST = 20.0, 300.0
"""So many times as long as a pod was measured it is left alone."""
DISK_PERIOD, FORGOTTEN_AFTER = 60.0, 600.0
_T = TypeVar("_T")
_STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


@dataclass(frozen=True, slots=True)
class PodStats:
    """By container name; only containers that run have a usage."""

    usage: Mapping[str, ContainerUsage] = field(default_factory=dict)
    disks: Mapping[str, ContainerDisk] = field(default_factory=dict)
    volumes: Mapping[str, DiskUsage] = field(default_factory=dict)
    """Those whose content counts as the pod's own storage."""
    other_volumes: Mapping[str, DiskUsage] = field(default_factory=dict)
    interfaces: Sequence[InterfaceUsage] = ()
    own: ContainerUsage | None = None
    """Of the pod's cgroup, its sandbox included; None where pods have none."""
    filesystems: Mapping[str, Filesystem] = field(default_factory=dict)
    """Of volumes that have one of their own: memory."""

    @property
    def groups(self) -> list[ContainerUsage]:
        """Of each container, and of the pod itself where it has a cgroup."""
        return [*self.usage.values(), *((self.own,) if self.own else ())]

    @property
    def whole(self) -> ContainerUsage:
        return self.own or _sum(self.usage.values())

    @property
    def memory(self) -> int:
        return self.whole.memory_working_set

    @property
    def processes(self) -> int:
        return sum(each.processes for each in self.usage.values())

    @property
    def disk(self) -> DiskUsage:
        """Writable layers, logs and local volumes together."""
        return self.layers + self.logs_and_volumes

    @property
    def layers(self) -> DiskUsage:
        return total(each.root for each in self.disks.values())

    @property
    def logs_and_volumes(self) -> DiskUsage:
        return total((*(each.logs for each in self.disks.values()), *self.volumes.values()))


@dataclass(frozen=True, slots=True)
class _Measured:
    at: float
    disks: Mapping[str, ContainerDisk]
    """By container id."""
    volumes: Mapping[str, DiskUsage]
    filesystems: Mapping[str, Filesystem]
    took: float


class PodStatsProvider:
    def __init__(
        self, runtime: Runtime, root: Path, clock: Callable[[], float], period: float = DISK_PERIOD
    ) -> None:
        """Disks are measured every `period` seconds; volumes never if that is no time at all."""
        self._runtime = runtime
        self.root = root
        self._pods = root / "pods"
        self._clock = clock
        self._period = period if period > 0 else DISK_PERIOD
        self._measures_volumes = period > 0
        self._measured: dict[str, _Measured] = {}

    async def usage(self, pods: Iterable[Object]) -> dict[str, PodStats]:
        """By uid, without disks: cheap. Raises RuntimeUnavailable."""
        usage = await self._runtime.usage()
        by_name = {uid_of(pod): _by_name(pod, usage) for pod in pods}
        whole = await asyncio.to_thread(_read_pods, by_name)
        return {uid: PodStats(usage=each, own=whole[uid]) for uid, each in by_name.items()}

    async def stats(self, pods: Iterable[Object], *, max_age: float | None = None) -> dict[str, PodStats]:
        """By uid, with disks at most `max_age` seconds old (as usual if None). Raises RuntimeUnavailable."""
        pods, max_age = list(pods), self._period if max_age is None else max_age
        used = await self.usage(pods)
        networks = await self._runtime.network_usage([uid_of(pod) for pod in pods if not _on_host(pod)])
        await self._measure([pod for pod in pods if self._is_stale(uid_of(pod), max_age)])
        found = {}
        for pod in pods:
            uid, known, local = uid_of(pod), self._measured[uid_of(pod)], set(local_volumes(pod))
            found[uid] = replace(
                used[uid],
                disks=_by_name(pod, known.disks),
                volumes={name: used for name, used in known.volumes.items() if name in local},
                other_volumes={name: used for name, used in known.volumes.items() if name not in local},
                filesystems=known.filesystems,
                interfaces=networks.get(uid, ()),
            )
        return found

    async def disks(self, pods: Iterable[Object]) -> dict[str, dict[str, ContainerDisk]]:
        """By uid and container name, not older than usual. Raises RuntimeUnavailable."""
        pods = list(pods)
        await self._measure([pod for pod in pods if self._is_stale(uid_of(pod), self._period)])
        return {uid_of(pod): _by_name(pod, self._measured[uid_of(pod)].disks) for pod in pods}

    def _age(self, uid: str) -> float:
        known = self._measured.get(uid)
        return self._clock() - known.at if known else float("inf")

    def _is_stale(self, uid: str, max_age: float) -> bool:
        """What takes long to measure is measured less often."""
        known = self._measured.get(uid)
        return known is None or self._age(uid) >= max(max_age, min(known.took * REST, LONGEST_REST))

    async def _measure(self, pods: list[Object]) -> None:
        for uid in [uid for uid in self._measured if self._age(uid) > FORGOTTEN_AFTER]:
            del self._measured[uid]
        for pod in pods:
            began = self._clock()
            ids = [each for _, each in container_ids(pod)]
            disks = await self._runtime.disk_usage(ids)
            volumes, mounted = await asyncio.to_thread(self._measure_volumes, pod)
            took = self._clock() - began
            self._measured[uid_of(pod)] = _Measured(self._clock(), disks, volumes, mounted, took)

    def _measure_volumes(self, pod: Object) -> tuple[dict[str, DiskUsage], dict[str, Filesystem]]:
        root, names = self._pods / uid_of(pod) / "volumes", set(_own_volumes(pod))
        if not self._measures_volumes:
            return {}, {}
        found = [each for each in root.glob("kubernetes.io~*/*") if each.name in names]
        mounted = {each.name: filesystem_of(each) for each in found if os.path.ismount(each)}
        return {each.name: _du(each) for each in found}, mounted


def _du(volume: Path) -> DiskUsage:
    with VOLUME_STATS_SECONDS.labels("du").time():
        return measure(volume)


def _read_pods(by_name: Mapping[str, Mapping[str, ContainerUsage]]) -> dict[str, ContainerUsage | None]:
    """Of pods' cgroups, by uid. Blocks."""
    groups = {
        uid: next(filter(None, (pod_group(each.cgroup, uid) for each in usage.values())), "")
        for uid, usage in by_name.items()
    }
    return {uid: read_group(group) if group else None for uid, group in groups.items()}


def _sum(used: Iterable[ContainerUsage]) -> ContainerUsage:
    """Limits and pressure do not add up."""
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


def _own_volumes(pod: Object) -> Iterator[str]:
    """Those that are files of the kubelet's: who would walk through somebody's NFS?"""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if volume.keys() & {"emptyDir", "configMap", "secret", "downwardAPI", "projected"}:
            yield volume["name"]


def local_volumes(pod: Object) -> Iterator[str]:
    """The volumes whose content counts as the pod's own storage on the node."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        source = volume.get("emptyDir")
        on_disk = source is not None and (source or {}).get("medium") != "Memory"
        if on_disk or "configMap" in volume or "downwardAPI" in volume:
            yield volume["name"]


def container_statuses(pod: Object) -> Iterator[Object]:
    """Of the containers that have been made."""
    status = pod.get("status") or {}
    for kind in _STATUSES:
        yield from (each for each in status.get(kind) or () if each.get("containerID"))


def container_ids(pod: Object) -> Iterator[tuple[str, str]]:
    """(name, id) of the containers that the pod's status tells of."""
    yield from ((each["name"], each["containerID"]) for each in container_statuses(pod))


def started_at(pod: Object, container: str) -> str | None:
    """Of a container that runs."""
    status = pod.get("status") or {}
    for kind in _STATUSES:
        for each in status.get(kind) or ():
            if each["name"] == container:
                return get_path(each, "state.running.startedAt")  # type: ignore[no-any-return]
    return None


def _on_host(pod: Object) -> bool:
    return bool((pod.get("spec") or {}).get("hostNetwork"))


def _by_name(pod: Object, by_id: Mapping[str, _T]) -> dict[str, _T]:
    return {name: by_id[each] for name, each in container_ids(pod) if each in by_id}
