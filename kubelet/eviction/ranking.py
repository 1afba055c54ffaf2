"""Which pod goes first, and what is said of it. Pure. Order and words are upstream's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from apimachinery.objects import Object, name_of, uid_of
from apimachinery.pods import pod_requests, requests_of
from apimachinery.quantity import Quantity
from kubelet.eviction.pressure import Observations
from kubelet.eviction.thresholds import ON_IMAGEFS, Threshold
from kubelet.stats.pods import PodStats

Stats = Mapping[str, PodStats]
_NOTHING = PodStats()


def rank(
    pods: Sequence[Object], stats: Stats, threshold: Threshold, *, images_apart: bool = False
) -> list[Object]:
    """The first to go first: more than requested, then low priority, then most above the request.

    Pods of which nothing is known go before all others; of processes nobody can request any. Where images
    have a file system of their own (`images_apart`), only what is on the one that runs out counts.
    """
    resource = threshold.resource

    def order(pod: Object) -> tuple[bool, bool, int, int]:
        known = stats.get(uid_of(pod))
        above = _used(known or _NOTHING, threshold, images_apart) - _requested(pod, resource)
        exceeds = above > 0 and resource != "pids"
        return (known is not None, not exceeds, _priority(pod), -above)

    return sorted(pods, key=order)


def _used(stats: PodStats, threshold: Threshold, images_apart: bool) -> int:
    if threshold.resource == "memory":
        return stats.memory
    if threshold.resource == "pids":
        return stats.processes
    disk = stats.disk
    if images_apart:
        disk = stats.layers if threshold.signal in ON_IMAGEFS else stats.logs_and_volumes
    return disk.bytes if threshold.resource == "ephemeral-storage" else disk.inodes


def _priority(pod: Object) -> int:
    return int((pod.get("spec") or {}).get("priority") or 0)


def _requested(pod: Object, resource: str) -> int:
    return pod_requests(pod).get(resource, Quantity()).value()


class Blame(NamedTuple):
    """What is said of a pod that goes, and what the Event notes beside it."""

    message: str
    annotations: Mapping[str, str]


def eviction_blame(pod: Object, stats: PodStats | None, threshold: Threshold, seen: Observations) -> Blame:
    """Of a pod that nobody has measured nothing is noted."""
    resource, observed = threshold.resource, seen[threshold.signal]
    wanted = _shown(threshold.value.of(observed.capacity), resource)
    parts = [
        f"The node was low on resource: {resource}. ",
        f"Threshold quantity: {wanted}, available: {_shown(observed.available, resource)}. ",
    ]
    if stats is None:
        return Blame("".join(parts), {})
    whole = requests_of(pod["spec"]).get(resource) if resource == "memory" else None
    notes: dict[str, str] = {}
    if whole is not None:
        used = _shown(stats.memory, resource)
        parts.append(_larger("Pod", name_of(pod), used, whole, resource))
        notes |= {"offending_pod": name_of(pod), "offending_pod_usage": used}
    offending = dict(_offending(pod, stats, resource))
    for name, (used, requested) in offending.items():
        parts.append(_larger("Container", name, used, requested, resource))
    notes["offending_containers"] = ",".join(offending)
    notes["offending_containers_usage"] = ",".join(used for used, _ in offending.values())
    return Blame("".join(parts), {**notes, "starved_resource": resource})


def _larger(kind: str, name: str, used: str, requested: Quantity, resource: str) -> str:
    return f"{kind} {name} was using {used}, request is {requested}, has larger consumption of {resource}. "


def _offending(pod: Object, stats: PodStats, resource: str) -> Iterator[tuple[str, tuple[str, Quantity]]]:
    """Containers that use more than they have asked for, with both; ephemeral ones could not ask."""
    spec = pod["spec"]
    for container in [*spec["containers"], *(spec.get("initContainers") or ())]:
        used = _used_by(container["name"], stats, resource)
        requested = requests_of(container).get(resource, Quantity())
        if used > requested.value():
            yield container["name"], (_shown(used, resource), requested)


def _used_by(container: str, stats: PodStats, resource: str) -> int:
    if resource == "memory" and container in stats.usage:
        return stats.usage[container].memory_working_set
    if resource == "ephemeral-storage" and container in stats.disks:
        return (stats.disks[container].root + stats.disks[container].logs).bytes
    return 0


def _shown(amount: int, resource: str) -> str:
    return str(Quantity.of(amount, binary=resource not in ("inodes", "pids")))
