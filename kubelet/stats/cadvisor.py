"""cAdvisor's metrics of containers, of their networks and of the machine: /metrics/cadvisor. Pure.

Source: the names, kinds and labels of cAdvisor 0.52, as the kubelet of Kubernetes 1.34 serves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.times import parse_time
from kubelet.cgroups.detail import PRESSURES, device_name
from kubelet.cgroups.scraped import Scraped
from kubelet.node.machine import Machine
from kubelet.runtime.usage import ContainerUsage, InterfaceUsage, Pressure, Stall
from kubelet.stats.cadvisor_families import (
    DEVICES,
    FILESYSTEMS,
    NETWORK,
    OF_THE_MACHINE,
    SCRAPED,
    SPEC,
    TASK_STATES,
    USAGE,
    Metric,
)
from kubelet.stats.families import Family, text_of
from kubelet.stats.filesystems import MountedFilesystem
from kubelet.stats.pods import PodStats, container_statuses, started_at

MICRO = 1e6
PodUsage = tuple[Object, PodStats]
Labels = Mapping[str, str]
Seen = TypeVar("Seen")

_OF_A_POD = {"container": "", "image": "", "name": ""}
_OF_THE_ROOT = {**_OF_A_POD, "id": "/", "namespace": "", "pod": ""}
_RESOURCES = {"cpu": "CPU", "memory": "memory", "io": "IO"}
_START = "Start time of the container since unix epoch in seconds."
_IGNORED_DEVICES = ("lo", "veth", "docker", "nerdctl")


@dataclass(frozen=True, slots=True)
class Scrape:
    """What is read for one answer besides pods' statistics. `now` is Unix seconds."""

    now: float
    machine: Machine
    node: ContainerUsage
    filesystems: Sequence[MountedFilesystem] = ()
    interfaces: Sequence[InterfaceUsage] = ()
    """Of the machine."""
    groups: Mapping[str, Scraped] = field(default_factory=dict)
    """By the cgroup of a container or pod."""
    tells_pressure: bool = True

    @property
    def at(self) -> int:
        return int(self.now * 1000)


class _Families:
    """By name, in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Family] = {}

    def of(self, name: str, kind: str, help: str) -> Family:
        return self._known.setdefault(name, Family(name, kind, help))

    def add(self, metric: Metric[Seen], labels: Labels, seen: Seen, at: int | None) -> None:
        self.of(metric.name, metric.kind, metric.help).add(labels, metric.value(seen), at)

    def text(self) -> str:
        return text_of(self._known.values())


def cadvisor_metrics(pods: Sequence[PodUsage], scrape: Scrape) -> str:
    """Pressure is told unless KubeletPSI is off: 0 where the kernel keeps none, as upstream."""
    families = _Families()
    _add_machine(families, scrape.machine)
    _add_node(families, scrape)
    for pod, stats in pods:
        for labels, status in _labelled(pod, stats):
            _add_group(families, labels, stats.usage[status["name"]], scrape)
            _add_start(families, labels, pod)
            disk = stats.disks.get(status["name"])
            if disk is not None:
                help = "Number of bytes that are consumed by the container on this filesystem."
                used = (disk.root + disk.logs).bytes
                families.of("container_fs_usage_bytes", "gauge", help).add(labels, used, scrape.at)
        if stats.own is not None:
            of_it = {"id": stats.own.cgroup, "namespace": namespace_of(pod), "pod": name_of(pod)}
            _add_group(families, {**_OF_A_POD, **of_it}, stats.own, scrape)
            _add_creation(families, {**_OF_A_POD, **of_it}, scrape.groups.get(stats.own.cgroup))
        of_it = {"namespace": namespace_of(pod), "pod": name_of(pod)}
        _add_network(families, of_it, stats.interfaces, scrape.at)
    help = "1 if there was an error while getting container metrics, 0 otherwise"
    families.of("container_scrape_error", "gauge", help).add({}, 0)
    return families.text()


def _add_machine(families: _Families, machine: Machine) -> None:
    labels = {
        "boot_id": machine.boot_id,
        "machine_id": machine.machine_id,
        "system_uuid": machine.system_uuid,
    }
    for name, help, value in _machine(machine):
        families.of(name, "gauge", help).add(labels, value)
    help = "NVM capacity value labeled by NVM mode (memory mode or app direct mode)."
    for mode in ("memory_mode", "app_direct_mode"):
        families.of("machine_nvm_capacity", "gauge", help).add({**labels, "mode": mode}, 0)
    help = "1 if there was an error while getting machine metrics, 0 otherwise."
    families.of("machine_scrape_error", "gauge", help).add({}, 0)
    help = (
        "A metric with a constant '1' value labeled by kernel version, OS version, docker version, "
        "cadvisor version & cadvisor revision."
    )
    versions = dict.fromkeys(("cadvisorRevision", "cadvisorVersion", "dockerVersion"), "")
    versions |= {"kernelVersion": machine.kernel, "osVersion": machine.os_image}
    families.of("cadvisor_version_info", "gauge", help).add(versions, 1)


def _machine(machine: Machine) -> Iterator[tuple[str, str, int]]:
    yield "machine_cpu_physical_cores", "Number of physical CPU cores.", machine.cores
    yield "machine_cpu_cores", "Number of logical CPU cores.", machine.cpus
    yield "machine_cpu_sockets", "Number of CPU sockets.", machine.sockets
    yield "machine_memory_bytes", "Amount of memory installed on the machine.", machine.memory
    yield "machine_swap_bytes", "Amount of swap memory available on the machine.", machine.swap
    yield "machine_nvm_avg_power_budget_watts", "NVM power budget.", 0


def _add_node(families: _Families, scrape: Scrape) -> None:
    """The machine as a whole is the cgroup `/`."""
    for metric in USAGE:
        if metric.name in OF_THE_MACHINE:
            labels = {**_OF_THE_ROOT, **_cpu(metric.name)}
            families.add(metric, labels, scrape.node, scrape.at)
    for each in FILESYSTEMS:
        for filesystem in scrape.filesystems:
            labels = {**_OF_THE_ROOT, "device": filesystem.device}
            families.add(each, labels, filesystem, scrape.at)
    known = [each for each in scrape.interfaces if not each.name.startswith(_IGNORED_DEVICES)]
    _add_network(families, _OF_THE_ROOT, known, scrape.at)


def _labelled(pod: Object, stats: PodStats) -> Iterator[tuple[Labels, Object]]:
    """The containers of which a use is known, by their status."""
    for status in container_statuses(pod):
        usage = stats.usage.get(status["name"])
        if usage is not None:
            container_id = status["containerID"]
            yield (
                {
                    "container": status["name"],
                    "id": usage.cgroup or container_id,
                    "image": status.get("image") or "",
                    "name": container_id.rpartition("/")[2],
                    "namespace": namespace_of(pod),
                    "pod": name_of(pod),
                },
                status,
            )


def _cpu(name: str) -> Labels:
    return {"cpu": "total"} if name == "container_cpu_usage_seconds_total" else {}


def _add_group(families: _Families, labels: Labels, usage: ContainerUsage, scrape: Scrape) -> None:
    """Of a cgroup. Its settings and processes are told if they have been looked at."""
    seen, at = scrape.groups.get(usage.cgroup), scrape.at
    for metric in USAGE:
        if metric.name.startswith("container_cpu_cfs_") and not (seen and seen.spec.cpu_quota):
            continue
        families.add(metric, {**labels, **_cpu(metric.name)}, usage, at)
    for name, help, value in DEVICES:
        for device, used in usage.detail.devices.items():
            families.of(name, "counter", help).add({**labels, "device": device}, value(used), at)
    if seen:
        _add_scraped(families, labels, usage, seen, at)
    if scrape.tells_pressure:
        _add_pressure(families, labels, usage, at)
    help = "Last time a container was seen by the exporter"
    families.of("container_last_seen", "gauge", help).add(labels, at // 1000, at)


def _add_scraped(families: _Families, labels: Labels, usage: ContainerUsage, seen: Scraped, at: int) -> None:
    for metric in SCRAPED:
        families.add(metric, labels, seen, at)
    for spec in SPEC:
        families.add(spec, labels, seen.spec, None)
    if seen.spec.cpu_quota:
        quota = families.of("container_spec_cpu_quota", "gauge", "CPU quota of the container.")
        quota.add(labels, seen.spec.cpu_quota)
    tasks = families.of("container_tasks_state", "gauge", "Number of tasks in given state")
    for state in TASK_STATES:
        tasks.add({**labels, "state": state}, 0, at)
    _add_page_faults(families, labels, usage, seen, at)
    _add_transfers(families, labels, seen, at)
    if seen.processes.open_files is not None:
        help = "Soft ulimit values for the container root process. Unlimited if -1, except priority and nice"
        limits = families.of("container_ulimits_soft", "gauge", help)
        limits.add({**labels, "ulimit": "max_open_files"}, seen.processes.open_files, at)


def _add_page_faults(
    families: _Families, labels: Labels, usage: ContainerUsage, seen: Scraped, at: int
) -> None:
    help = "Cumulative count of memory allocation failures."
    failures = families.of("container_memory_failures_total", "counter", help)
    for kind, scope, count in (
        ("pgfault", "container", seen.page_faults),
        ("pgmajfault", "container", seen.major_page_faults),
        ("pgfault", "hierarchy", usage.page_faults),
        ("pgmajfault", "hierarchy", usage.major_page_faults),
    ):
        failures.add({**labels, "failure_type": kind, "scope": scope}, count, at)


def _add_transfers(families: _Families, labels: Labels, seen: Scraped, at: int) -> None:
    transfers = families.of("container_blkio_device_usage_total", "counter", "Blkio Device bytes usage")
    for number, operations in seen.transfers.items():
        major, _, minor = number.partition(":")
        device = {"device": device_name(number), "major": major, "minor": minor}
        for operation, count in operations.items():
            transfers.add({**labels, **device, "operation": operation}, count, at)


def _add_creation(families: _Families, labels: Labels, seen: Scraped | None) -> None:
    """Of a pod's cgroup."""
    if seen and seen.created:
        families.of("container_start_time_seconds", "gauge", _START).add(labels, int(seen.created))


def _add_start(families: _Families, labels: Labels, pod: Object) -> None:
    began = started_at(pod, labels["container"])
    if began:
        seconds = parse_time(began).timestamp()
        families.of("container_start_time_seconds", "gauge", _START).add(labels, seconds)


def _add_pressure(families: _Families, labels: Labels, usage: ContainerUsage, at: int) -> None:
    for resource in PRESSURES:
        because = f"due to {_RESOURCES[resource]} congestion."
        pressure = usage.pressure.get(resource, Pressure())
        kinds: tuple[tuple[str, str, Stall], ...] = (
            ("stalled", f"no tasks in the container could make progress {because}", pressure.full),
            ("waiting", f"tasks in the container have waited {because}", pressure.some),
        )
        for kind, what, stall in kinds:
            name = f"container_pressure_{resource}_{kind}_seconds_total"
            families.of(name, "counter", f"Total time duration {what}").add(labels, stall.total / MICRO, at)


def _add_network(families: _Families, labels: Labels, interfaces: Iterable[InterfaceUsage], at: int) -> None:
    for interface in interfaces:
        for name, what, value in NETWORK:
            family = families.of(f"container_network_{name}_total", "counter", f"Cumulative count of {what}")
            family.add({**labels, "interface": interface.name}, value(interface), at)
