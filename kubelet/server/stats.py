"""Use of resources: /metrics/resource for metrics-server, /stats/summary for people.

Made from what the engine counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from apimachinery.times import format_time
from kubelet.runtime.interface import ContainerUsage

NANO = 1e9

PodUsage = tuple[Object, Mapping[str, ContainerUsage]]
"""A pod and its running containers' usage by name."""


def usage_by_pod(pods: Iterable[Object], usage: Mapping[str, ContainerUsage]) -> list[PodUsage]:
    """Containers are found by the ids in the pods' statuses."""
    result: list[PodUsage] = []
    for pod in pods:
        statuses = (pod.get("status") or {}).get("containerStatuses") or ()
        found = {
            each["name"]: usage[each["containerID"]] for each in statuses if each.get("containerID") in usage
        }
        if found:
            result.append((pod, found))
    return result


def resource_metrics(pods: Iterable[PodUsage], node: ContainerUsage, now: float) -> str:
    """The text that metrics-server scrapes, under upstream's names."""
    milliseconds = int(now * 1000)
    pods = list(pods)
    lines = [
        *_header(
            "container_cpu_usage_seconds_total",
            "counter",
            "Cumulative cpu time consumed by the container in core-seconds",
        )
    ]
    lines += [
        _sample("container_cpu_usage_seconds_total", labels, use.cpu_nanoseconds / NANO, milliseconds)
        for labels, use in _containers(pods)
    ]
    lines += _header(
        "container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes"
    )
    lines += [
        _sample("container_memory_working_set_bytes", labels, use.memory_working_set, milliseconds)
        for labels, use in _containers(pods)
    ]
    lines += _header(
        "node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds"
    )
    lines += [_sample("node_cpu_usage_seconds_total", "", node.cpu_nanoseconds / NANO, milliseconds)]
    lines += _header("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes")
    lines += [_sample("node_memory_working_set_bytes", "", node.memory_working_set, milliseconds)]
    lines += _header(
        "pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds"
    )
    lines += [
        _sample(
            "pod_cpu_usage_seconds_total",
            _pod_labels(pod),
            sum(each.cpu_nanoseconds for each in used.values()) / NANO,
            milliseconds,
        )
        for pod, used in pods
    ]
    lines += _header("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes")
    lines += [
        _sample(
            "pod_memory_working_set_bytes",
            _pod_labels(pod),
            sum(each.memory_working_set for each in used.values()),
            milliseconds,
        )
        for pod, used in pods
    ]
    lines += _header(
        "resource_scrape_error",
        "gauge",
        "1 if there was an error while getting container metrics, 0 otherwise",
    )
    return "\n".join([*lines, "resource_scrape_error 0", ""])


def _header(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP {name} [STABLE] {help}", f"# TYPE {name} {kind}"]


def _containers(pods: Iterable[PodUsage]) -> Iterator[tuple[str, ContainerUsage]]:
    for pod, used in pods:
        for container, use in used.items():
            yield f'{{container="{container}",namespace="{namespace_of(pod)}",pod="{name_of(pod)}"}}', use


def _pod_labels(pod: Object) -> str:
    return f'{{namespace="{namespace_of(pod)}",pod="{name_of(pod)}"}}'


def _sample(name: str, labels: str, value: float, milliseconds: int) -> str:
    return (
        f"{name}{labels} {value:g} {milliseconds}"
        if value > 1e15
        else f"{name}{labels} {value} {milliseconds}"
    )


def summary(
    pods: Iterable[PodUsage], node: str, node_usage: ContainerUsage, now: Callable[[], datetime]
) -> Object:
    """The summary API, as far as the engine counts."""
    time = format_time(now())
    return {
        "node": {"nodeName": node, "startTime": None, **_usage(node_usage, time)},
        "pods": [
            {
                "podRef": {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)},
                "startTime": (pod.get("status") or {}).get("startTime"),
                "containers": [{"name": name, **_usage(use, time)} for name, use in used.items()],
                **_usage(_sum(used.values()), time),
            }
            for pod, used in pods
        ],
    }


def _sum(used: Iterable[ContainerUsage]) -> ContainerUsage:
    used = list(used)
    return ContainerUsage(
        sum(each.cpu_nanoseconds for each in used),
        sum(each.memory_usage for each in used),
        sum(each.memory_working_set for each in used),
        sum(each.memory_rss for each in used),
    )


def _usage(use: ContainerUsage, time: str) -> Object:
    return {
        "cpu": {"time": time, "usageCoreNanoSeconds": use.cpu_nanoseconds},
        "memory": {
            "time": time,
            "usageBytes": use.memory_usage,
            "workingSetBytes": use.memory_working_set,
            "rssBytes": use.memory_rss,
        },
    }


def node_usage(stat: str, meminfo: str, ticks_per_second: int) -> ContainerUsage:
    """Of the whole machine, from the texts of /proc/stat and /proc/meminfo. Pure."""
    fields = [int(each) for each in stat.splitlines()[0].split()[1:9]]
    busy = sum(fields) - fields[3] - fields[4]  # idle and iowait
    memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in meminfo.splitlines() if ":" in line}
    used = memory["MemTotal"] - memory["MemAvailable"]
    return ContainerUsage(
        int(busy * NANO / ticks_per_second), memory["MemTotal"] - memory["MemFree"], used, used
    )
