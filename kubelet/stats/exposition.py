"""What is used, as metrics-server asks for it: /metrics/resource. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.times import parse_time
from kubelet.runtime.usage import ContainerUsage
from kubelet.stats.families import Family, text_of
from kubelet.stats.pods import PodStats, started_at

NANO = 1e9
PodUsage = tuple[Object, PodStats]


def resource_metrics(pods: Sequence[PodUsage], node: ContainerUsage, now: float) -> str:
    """What metrics-server scrapes. `now` is Unix seconds."""
    at = int(now * 1000)
    cpu, memory, start, pod_cpu, pod_memory = (
        Family(name, kind, f"[STABLE] {help}") for name, kind, help in _RESOURCES
    )
    swap, pod_swap = (Family(name, "gauge", f"[ALPHA] {help}") for name, help in _SWAP)
    for pod, stats in pods:
        if not stats.usage:
            continue
        labels = {"namespace": namespace_of(pod), "pod": name_of(pod)}
        for name, usage in stats.usage.items():
            own = {**labels, "container": name}
            cpu.add(own, usage.cpu_nanoseconds / NANO, at)
            memory.add(own, usage.memory_working_set, at)
            swap.add(own, usage.detail.swap, at)
            if began := started_at(pod, name):
                start.add(own, parse_time(began).timestamp(), None)
        pod_cpu.add(labels, stats.whole.cpu_nanoseconds / NANO, at)
        pod_memory.add(labels, stats.memory, at)
        pod_swap.add(labels, stats.whole.detail.swap, at)
    return text_of(
        [cpu, memory, start, swap, *_node_resources(node, at), pod_cpu, pod_memory, pod_swap, _no_error()]
    )


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
_SWAP = (
    (
        "container_swap_usage_bytes",
        "Current amount of the container swap usage in bytes. Reported only on non-windows systems",
    ),
    (
        "pod_swap_usage_bytes",
        "Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
    ),
)


def _node_resources(node: ContainerUsage, at: int) -> Iterator[Family]:
    help = "[STABLE] Cumulative cpu time consumed by the node in core-seconds"
    yield _single("node_cpu_usage_seconds_total", "counter", help, node.cpu_nanoseconds / NANO, at)
    help = "[STABLE] Current working set of the node in bytes"
    yield _single("node_memory_working_set_bytes", "gauge", help, node.memory_working_set, at)
    help = "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems"
    yield _single("node_swap_usage_bytes", "gauge", help, node.detail.swap, at)


def _no_error() -> Family:
    help = "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise"
    return _single("resource_scrape_error", "gauge", help, 0)


def _single(name: str, kind: str, help: str, value: float, at: int | None = None) -> Family:
    family = Family(name, kind, help)
    family.add({}, value, at)
    return family
