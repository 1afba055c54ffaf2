"""Which pod goes first, and what is said of it. Pure. Order and words are upstream's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery.objects import Object, uid_of
from apimachinery.pods import all_containers, pod_requests, requests_of
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


def eviction_message(pod: Object, stats: PodStats | None, threshold: Threshold, seen: Observations) -> str:
    resource, observed = threshold.resource, seen[threshold.signal]
    wanted = _shown(threshold.value.of(observed.capacity), resource)
    parts = [
        f"The node was low on resource: {resource}. ",
        f"Threshold quantity: {wanted}, available: {_shown(observed.available, resource)}. ",
    ]
    for container in all_containers(pod["spec"]):
        used = _used_by(container["name"], stats or _NOTHING, resource)
        requested = requests_of(container).get(resource, Quantity())
        if used > requested.value():
            parts.append(
                f"Container {container['name']} was using {_shown(used, resource)}, request is {requested}, "
                f"has larger consumption of {resource}. "
            )
    return "".join(parts)


def _used_by(container: str, stats: PodStats, resource: str) -> int:
    if resource == "memory" and container in stats.usage:
        return stats.usage[container].memory_working_set
    if resource == "ephemeral-storage" and container in stats.disks:
        return (stats.disks[container].root + stats.disks[container].logs).bytes
    return 0


def _shown(amount: int, resource: str) -> str:
    return str(Quantity.of(amount, binary=resource not in ("inodes", "pids")))
