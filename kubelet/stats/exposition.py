"""What is used, for Prometheus: /metrics/resource as metrics-server asks, /metrics/cadvisor. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.times import parse_time
from kubelet.runtime.usage import ContainerUsage
from kubelet.stats.families import Family, text_of
from kubelet.stats.pods import PodStats, container_ids, started_at

NANO = 1e9
PodUsage = tuple[Object, PodStats]


def resource_metrics(pods: Sequence[PodUsage], node: ContainerUsage, now: float) -> str:
    """What metrics-server scrapes. `now` is Unix seconds."""
    at = int(now * 1000)
    cpu, memory, start, pod_cpu, pod_memory = (
        Family(name, kind, f"[STABLE] {help}") for name, kind, help in _RESOURCES
    )
    for pod, stats in pods:
        if not stats.usage:
            continue
        labels = {"namespace": namespace_of(pod), "pod": name_of(pod)}
        for name, usage in stats.usage.items():
            own = {**labels, "container": name}
            cpu.add(own, usage.cpu_nanoseconds / NANO, at)
            memory.add(own, usage.memory_working_set, at)
            if began := started_at(pod, name):
                start.add(own, parse_time(began).timestamp(), None)
        pod_cpu.add(labels, sum(each.cpu_nanoseconds for each in stats.usage.values()) / NANO, at)
        pod_memory.add(labels, stats.memory, at)
    return text_of([cpu, memory, start, *_node_resources(node, at), pod_cpu, pod_memory, _no_error()])


_RESOURCES = (
    (
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the container in core-seconds",
    ),
    ("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes"),
    ("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds"),
    ("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds"),
    ("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes"),
)


def _node_resources(node: ContainerUsage, at: int) -> Iterator[Family]:
    help = "[STABLE] Cumulative cpu time consumed by the node in core-seconds"
    yield _single("node_cpu_usage_seconds_total", "counter", help, node.cpu_nanoseconds / NANO, at)
    help = "[STABLE] Current working set of the node in bytes"
    yield _single("node_memory_working_set_bytes", "gauge", help, node.memory_working_set, at)


def _no_error() -> Family:
    help = "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise"
    return _single("resource_scrape_error", "gauge", help, 0)


def _single(name: str, kind: str, help: str, value: float, at: int | None = None) -> Family:
    family = Family(name, kind, help)
    family.add({}, value, at)
    return family


def cadvisor_metrics(pods: Sequence[PodUsage], now: float, *, cpus: int, memory: int) -> str:
    """As much of cAdvisor's as dashboards usually ask for."""
    at = int(now * 1000)
    machine = (
        _single("machine_cpu_cores", "gauge", "Number of logical CPU cores.", cpus, at),
        _single("machine_memory_bytes", "gauge", "Amount of memory installed on the machine.", memory, at),
    )
    families = {name: Family(name, kind, help) for name, kind, help in _CADVISOR}
    for pod, stats in pods:
        labels = {"namespace": namespace_of(pod), "pod": name_of(pod)}
        ids = dict(container_ids(pod))
        for name, usage in stats.usage.items():
            own = {**labels, "container": name, "id": ids[name], "name": ids[name].rpartition("/")[2]}
            for metric, value in _of_container(usage, stats, name).items():
                shown = {**own, "cpu": "total"} if metric == "container_cpu_usage_seconds_total" else own
                families[metric].add(shown, value, at)
        for interface in stats.interfaces:
            own = {**labels, "interface": interface.name}
            families["container_network_receive_bytes_total"].add(own, interface.rx_bytes, at)
            families["container_network_receive_errors_total"].add(own, interface.rx_errors, at)
            families["container_network_transmit_bytes_total"].add(own, interface.tx_bytes, at)
            families["container_network_transmit_errors_total"].add(own, interface.tx_errors, at)
    return text_of([*machine, *families.values()])


_CADVISOR = (
    ("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds."),
    ("container_memory_usage_bytes", "gauge", "Current memory usage in bytes, including all memory."),
    ("container_memory_working_set_bytes", "gauge", "Current working set in bytes."),
    ("container_memory_rss", "gauge", "Size of RSS in bytes."),
    ("container_spec_memory_limit_bytes", "gauge", "Memory limit for the container."),
    ("container_processes", "gauge", "Number of processes running inside the container."),
    ("container_fs_usage_bytes", "gauge", "Number of bytes that are consumed by the container."),
    ("container_network_receive_bytes_total", "counter", "Cumulative count of bytes received"),
    ("container_network_receive_errors_total", "counter", "Cumulative count of errors while receiving"),
    ("container_network_transmit_bytes_total", "counter", "Cumulative count of bytes transmitted"),
    ("container_network_transmit_errors_total", "counter", "Cumulative count of errors transmitting"),
)


def _of_container(usage: ContainerUsage, stats: PodStats, name: str) -> dict[str, float]:
    disk = stats.disks.get(name)
    return {
        "container_cpu_usage_seconds_total": usage.cpu_nanoseconds / NANO,
        "container_memory_usage_bytes": usage.memory_usage,
        "container_memory_working_set_bytes": usage.memory_working_set,
        "container_memory_rss": usage.memory_rss,
        "container_spec_memory_limit_bytes": usage.memory_limit,
        "container_processes": usage.processes,
        **({"container_fs_usage_bytes": (disk.root + disk.logs).bytes} if disk else {}),
    }
