"""What a kubelet tells under /metrics/resource, and what was used between two such answers. Pure.

Source: pkg/scraper/client/resource/decode.go and pkg/storage of metrics-server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

PodKey = tuple[str, str]
"""Namespace and name."""

FRESH, LONGEST = 10.0, 60.0
"""Seconds that a container has to have run to be counted from its start, and after which it is not."""

_FIELDS = {
    "node_cpu_usage_seconds_total": "cpu",
    "node_memory_working_set_bytes": "memory",
    "container_cpu_usage_seconds_total": "cpu",
    "container_memory_working_set_bytes": "memory",
    "container_start_time_seconds": "start",
}


@dataclass(frozen=True, slots=True)
class Point:
    """The counts of a node or container at one time."""

    time: float = 0.0
    """Unix seconds, as `start` is."""
    cpu: float = 0.0
    """Seconds of one core since the start."""
    memory: float = 0.0
    """Bytes of the working set."""
    start: float = 0.0

    @property
    def is_complete(self) -> bool:
        return bool(self.cpu and self.memory)


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of a kubelet."""

    node: Point | None
    pods: Mapping[PodKey, Mapping[str, Point]]
    """By container. A pod of which something is missing is not among them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used on average over the `window` of seconds before `time`."""

    time: float
    window: float
    cpu: float
    """Cores."""
    memory: float


def parse_scrape(text: str, now: float) -> Scrape:
    """`now`, in Unix seconds, is when samples without a time of their own were taken. Raises ValueError."""
    node, pods = Point(), defaultdict[PodKey, dict[str, Point]](dict)
    for sample in _samples(text):
        if "container" not in sample.labels:
            node = _with(node, sample, now)
            continue
        containers = pods[sample.labels.get("namespace", ""), sample.labels.get("pod", "")]
        name = sample.labels["container"]
        containers[name] = _with(containers.get(name, Point()), sample, now)
    complete = {pod: found for pod, found in pods.items() if all(each.is_complete for each in found.values())}
    return Scrape(node if node.is_complete else None, complete)


def _samples(text: str) -> Iterable[Sample]:
    for family in text_string_to_metric_families(text):
        yield from (each for each in family.samples if each.name in _FIELDS)


def _with(point: Point, sample: Sample, now: float) -> Point:
    field = _FIELDS[sample.name]
    changed = replace(point, **{field: sample.value})
    return changed if field == "start" else replace(changed, time=float(sample.timestamp or now))


def node_usage(last: Scrape, before: Scrape) -> Usage | None:
    return usage_between(last.node, before.node) if last.node else None


def pod_usage(last: Scrape, before: Scrape, pod: PodKey) -> dict[str, Usage] | None:
    """By container; None unless all of them are known."""
    earlier = before.pods.get(pod, {})
    found = {name: usage_between(each, earlier.get(name)) for name, each in last.pods.get(pod, {}).items()}
    usages = {name: each for name, each in found.items() if each is not None}
    return usages if usages and len(usages) == len(found) else None


def usage_between(last: Point, before: Point | None) -> Usage | None:
    """From the earlier point, or from the start of what has started since and not just now."""
    if before is None or not last.start < before.time < last.time or last.cpu < before.cpu:
        if not FRESH <= last.time - last.start < LONGEST:
            return None
        before = Point(time=last.start)
    window = last.time - before.time
    return Usage(last.time, window, (last.cpu - before.cpu) / window, last.memory)
