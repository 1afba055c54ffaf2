"""cAdvisor's metrics of containers, of their networks and of the machine: /metrics/cadvisor. Pure.

Source: the names, kinds and labels of cAdvisor 0.52, as the kubelet of Kubernetes 1.34 serves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.pods import all_containers
from apimachinery.times import parse_time
from kubelet.containers.resources import QUOTA_PERIOD, resources_of
from kubelet.node.machine import Machine
from kubelet.runtime.interface import Resources
from kubelet.runtime.usage import ContainerUsage, DeviceUse, InterfaceUsage, Stall
from kubelet.stats.families import Family, text_of
from kubelet.stats.pods import PodStats, container_statuses, started_at

NANO, MICRO = 1e9, 1e6
PodUsage = tuple[Object, PodStats]
Labels = Mapping[str, str]


class _Metric(NamedTuple):
    name: str
    kind: str
    help: str
    value: Callable[[ContainerUsage], float]


_USAGE = (
    _Metric(
        "container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.",
        lambda used: used.cpu_nanoseconds / NANO,
    ),
    _Metric(
        "container_cpu_user_seconds_total", "counter", "Cumulative user cpu time consumed in seconds.",
        lambda used: used.detail.cpu_user / NANO,
    ),
    _Metric(
        "container_cpu_system_seconds_total", "counter", "Cumulative system cpu time consumed in seconds.",
        lambda used: used.detail.cpu_system / NANO,
    ),
    _Metric(
        "container_cpu_cfs_periods_total", "counter", "Number of elapsed enforcement period intervals.",
        lambda used: used.detail.periods,
    ),
    _Metric(
        "container_cpu_cfs_throttled_periods_total", "counter", "Number of throttled period intervals.",
        lambda used: used.detail.throttled_periods,
    ),
    _Metric(
        "container_cpu_cfs_throttled_seconds_total", "counter",
        "Total time duration the container has been throttled.",
        lambda used: used.detail.throttled / NANO,
    ),
    _Metric(
        "container_memory_usage_bytes", "gauge",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        lambda used: used.memory_usage,
    ),
    _Metric(
        "container_memory_working_set_bytes", "gauge", "Current working set in bytes.",
        lambda used: used.memory_working_set,
    ),
    _Metric("container_memory_rss", "gauge", "Size of RSS in bytes.", lambda used: used.memory_rss),
    _Metric(
        "container_memory_cache", "gauge", "Number of bytes of page cache memory.",
        lambda used: used.detail.cache,
    ),
    _Metric(
        "container_memory_mapped_file", "gauge", "Size of memory mapped files in bytes.",
        lambda used: used.detail.mapped_files,
    ),
    _Metric(
        "container_memory_swap", "gauge", "Container swap usage in bytes.", lambda used: used.detail.swap
    ),
    _Metric(
        "container_memory_max_usage_bytes", "gauge", "Maximum memory usage recorded in bytes",
        lambda used: used.detail.most_memory,
    ),
    _Metric(
        "container_memory_failcnt", "counter", "Number of memory usage hits limits",
        lambda used: used.detail.limit_hits,
    ),
    _Metric(
        "container_oom_events_total", "counter",
        "Count of out of memory events observed for the container",
        lambda used: used.detail.oom_kills,
    ),
    _Metric(
        "container_processes", "gauge", "Number of processes running inside the container.",
        lambda used: used.processes,
    ),
    _Metric(
        "container_threads", "gauge", "Number of threads running inside the container",
        lambda used: used.processes,
    ),
    _Metric(
        "container_spec_memory_limit_bytes", "gauge", "Memory limit for the container.",
        lambda used: used.memory_limit,
    ),
)  # fmt: skip
_OF_THE_MACHINE = frozenset(each.name for each in _USAGE if each.name.startswith("container_cpu_usage")) | {
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_memory_rss",
}
"""What is known of the machine as a whole, which is the cgroup `/`."""

_DEVICES: tuple[tuple[str, str, Callable[[DeviceUse], int]], ...] = (
    ("container_fs_reads_bytes_total", "Cumulative count of bytes read", lambda used: used.read_bytes),
    ("container_fs_reads_total", "Cumulative count of reads completed", lambda used: used.reads),
    ("container_fs_writes_bytes_total", "Cumulative count of bytes written", lambda used: used.written_bytes),
    ("container_fs_writes_total", "Cumulative count of writes completed", lambda used: used.writes),
)
_NETWORK: tuple[tuple[str, str, Callable[[InterfaceUsage], int]], ...] = (
    ("receive_bytes", "bytes received", lambda used: used.rx_bytes),
    ("receive_packets", "packets received", lambda used: used.rx_packets),
    ("receive_packets_dropped", "packets dropped while receiving", lambda used: used.rx_dropped),
    ("receive_errors", "errors encountered while receiving", lambda used: used.rx_errors),
    ("transmit_bytes", "bytes transmitted", lambda used: used.tx_bytes),
    ("transmit_packets", "packets transmitted", lambda used: used.tx_packets),
    ("transmit_packets_dropped", "packets dropped while transmitting", lambda used: used.tx_dropped),
    ("transmit_errors", "errors encountered while transmitting", lambda used: used.tx_errors),
)
_OF_A_POD = {"container": "", "image": "", "name": ""}
_RESOURCES = {"cpu": "CPU", "memory": "memory", "io": "IO"}


class _Families:
    """By name, in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Family] = {}

    def of(self, name: str, kind: str, help: str) -> Family:
        return self._known.setdefault(name, Family(name, kind, help))

    def text(self) -> str:
        return text_of(self._known.values())


def cadvisor_metrics(
    pods: Sequence[PodUsage],
    node: ContainerUsage,
    machine: Machine,
    now: float,
    *,
    tells_pressure: bool = True,
) -> str:
    """`now` is Unix seconds. Pressure is told where it is known, unless KubeletPSI is off."""
    families, at = _Families(), int(now * 1000)
    for name, help, value in _machine(machine):
        families.of(name, "gauge", help).add(_identity(machine), value)
    _add_machine_use(families, node, at)
    for pod, stats in pods:
        containers = {each["name"]: each for each in all_containers(pod["spec"])}
        for labels, status in _labelled(pod, stats):
            usage, container = stats.usage[status["name"]], containers.get(status["name"])
            resources = resources_of(pod, container, memory_capacity=0) if container else Resources()
            _add_usage(families, labels, usage, at, has_quota=resources.cpu_quota > 0)
            _add_start(families, labels, pod)
            if container:
                _add_spec(families, labels, resources)
            if tells_pressure:
                _add_pressure(families, labels, usage, at)
            disk = stats.disks.get(status["name"])
            if disk is not None:
                help = "Number of bytes that are consumed by the container on this filesystem."
                used = (disk.root + disk.logs).bytes
                families.of("container_fs_usage_bytes", "gauge", help).add(labels, used, at)
        if stats.own is not None:
            labels = {
                **_OF_A_POD,
                "id": stats.own.cgroup,
                "namespace": namespace_of(pod),
                "pod": name_of(pod),
            }
            _add_usage(families, labels, stats.own, at, has_quota=stats.own.detail.periods > 0)
            if tells_pressure:
                _add_pressure(families, labels, stats.own, at)
        _add_network(families, pod, stats.interfaces, at)
    return families.text()


def _identity(machine: Machine) -> Labels:
    return {
        "boot_id": machine.boot_id,
        "machine_id": machine.machine_id,
        "system_uuid": machine.system_uuid,
    }


def _machine(machine: Machine) -> Iterator[tuple[str, str, int]]:
    yield "machine_cpu_cores", "Number of logical CPU cores.", machine.cpus
    yield "machine_memory_bytes", "Amount of memory installed on the machine.", machine.memory
    yield "machine_swap_bytes", "Amount of swap memory available on the machine.", machine.swap


def _add_machine_use(families: _Families, node: ContainerUsage, at: int) -> None:
    for metric in _USAGE:
        if metric.name in _OF_THE_MACHINE:
            labels = {"id": "/", **_cpu(metric.name)}
            families.of(metric.name, metric.kind, metric.help).add(labels, metric.value(node), at)


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


def _add_usage(
    families: _Families, labels: Labels, usage: ContainerUsage, at: int, *, has_quota: bool
) -> None:
    for metric in _USAGE:
        if metric.name.startswith("container_cpu_cfs_") and not has_quota:
            continue
        shown = {**labels, **_cpu(metric.name)}
        families.of(metric.name, metric.kind, metric.help).add(shown, metric.value(usage), at)
    help = "Cumulative count of memory allocation failures."
    failures = families.of("container_memory_failures_total", "counter", help)
    for kind, count in (("pgfault", usage.page_faults), ("pgmajfault", usage.major_page_faults)):
        failures.add({**labels, "failure_type": kind, "scope": "hierarchy"}, count, at)
    for name, help, value in _DEVICES:
        for device, used in usage.detail.devices.items():
            families.of(name, "counter", help).add({**labels, "device": device}, value(used), at)
    help = "Last time a container was seen by the exporter"
    families.of("container_last_seen", "gauge", help).add(labels, at // 1000, at)


def _add_start(families: _Families, labels: Labels, pod: Object) -> None:
    began = started_at(pod, labels["container"])
    if began:
        help = "Start time of the container since unix epoch in seconds."
        seconds = parse_time(began).timestamp()
        families.of("container_start_time_seconds", "gauge", help).add(labels, seconds)


def _add_spec(families: _Families, labels: Labels, resources: Resources) -> None:
    shares = families.of("container_spec_cpu_shares", "gauge", "CPU share of the container.")
    shares.add(labels, resources.cpu_shares)
    period = families.of("container_spec_cpu_period", "gauge", "CPU period of the container.")
    period.add(labels, QUOTA_PERIOD)
    if resources.cpu_quota:
        quota = families.of("container_spec_cpu_quota", "gauge", "CPU quota of the container.")
        quota.add(labels, resources.cpu_quota)


def _add_pressure(families: _Families, labels: Labels, usage: ContainerUsage, at: int) -> None:
    for resource, pressure in usage.pressure.items():
        because = f"due to {_RESOURCES[resource]} congestion."
        kinds: tuple[tuple[str, str, Stall], ...] = (
            ("stalled", f"no tasks in the container could make progress {because}", pressure.full),
            ("waiting", f"tasks in the container have waited {because}", pressure.some),
        )
        for kind, what, stall in kinds:
            name = f"container_pressure_{resource}_{kind}_seconds_total"
            families.of(name, "counter", f"Total time duration {what}").add(labels, stall.total / MICRO, at)


def _add_network(families: _Families, pod: Object, interfaces: Iterable[InterfaceUsage], at: int) -> None:
    for interface in interfaces:
        labels = {"interface": interface.name, "namespace": namespace_of(pod), "pod": name_of(pod)}
        for name, what, value in _NETWORK:
            family = families.of(f"container_network_{name}_total", "counter", f"Cumulative count of {what}")
            family.add(labels, value(interface), at)
