"""What each cgroup of the tree may have. Pure; rules are those of pkg/kubelet/cm in Kubernetes 1.34."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from apimachinery.objects import Object
from apimachinery.pods import BEST_EFFORT, BURSTABLE, add_up, limits_of, pod_limits, pod_requests, qos_class
from apimachinery.quantity import Quantity
from kubelet.containers.resources import HUGEPAGES, MIN_SHARES, cpu_quota, cpu_shares, hugepages_in

UNBOUNDED_HUGEPAGES = 1 << 62


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of 1024 a processor, microseconds each 100 ms, bytes, processes; 0 is no limit."""

    cpu_shares: int = MIN_SHARES
    cpu_quota: int = 0
    memory: int = 0
    pids: int = 0
    hugepages: Mapping[int, int] = field(default_factory=dict)
    """Bytes by page size; here 0 is a limit."""


def limits_of_pod(
    pod: Object, *, pids: int = 0, enforce_cpu: bool = True, page_sizes: Collection[int] = ()
) -> Limits:
    """Limited is what every container limits, or the pod itself."""
    limits, quality = pod_limits(pod), qos_class(pod)
    if quality == BEST_EFFORT:
        return Limits(pids=pids, hugepages=hugepages_of(limits, page_sizes))
    cpu, memory = (limits[each] if _is_limited(pod, each) else Quantity() for each in ("cpu", "memory"))
    return Limits(
        cpu_shares=cpu_shares(pod_requests(pod).get("cpu", Quantity()).milli_value()),
        cpu_quota=cpu_quota(cpu.milli_value()) if enforce_cpu else 0,
        memory=memory.value(),
        pids=pids,
        hugepages=hugepages_of(limits, page_sizes),
    )


def _is_limited(pod: Object, resource: str) -> bool:
    spec = pod["spec"]
    if limits_of(spec).get(resource):
        return True
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return bool(containers) and all(limits_of(each).get(resource) for each in containers)


def limits_of_class(quality: str, pods: Iterable[Object], page_sizes: Collection[int] = ()) -> Limits:
    """What the class's pods have asked for together, so that others leave it to them."""
    unbounded = dict.fromkeys(page_sizes, UNBOUNDED_HUGEPAGES)
    if quality != BURSTABLE:
        return Limits(hugepages=unbounded)
    asked = add_up(pod_requests(pod) for pod in pods if qos_class(pod) == BURSTABLE)
    return Limits(cpu_shares(asked.get("cpu", Quantity()).milli_value()), hugepages=unbounded)


def limits_of_node(
    capacity: Mapping[str, str], reserved: Mapping[str, Quantity], page_sizes: Collection[int] = ()
) -> Limits:
    """Of all pods together: the node without what is reserved.

    Pages set aside as huge are no other memory.
    """
    return limits_of_resources(_left(capacity, reserved), page_sizes)


def limits_of_resources(resources: Mapping[str, Quantity], page_sizes: Collection[int] = ()) -> Limits:
    def amount(name: str) -> Quantity:
        return resources.get(name, Quantity())

    return Limits(
        cpu_shares=cpu_shares(amount("cpu").milli_value()),
        memory=amount("memory").value(),
        pids=amount("pid").value(),
        hugepages=hugepages_of(resources, page_sizes),
    )


def _left(capacity: Mapping[str, str], reserved: Mapping[str, Quantity]) -> dict[str, Quantity]:
    left = {
        name: max(Quantity.parse(text) - reserved.get(name, Quantity()), Quantity())
        for name, text in capacity.items()
    }
    for name, value in left.items():
        if name.startswith(HUGEPAGES):
            left["memory"] = max(left["memory"] - value, Quantity())
    return left


def hugepages_of(resources: Mapping[str, Quantity], page_sizes: Collection[int]) -> dict[int, int]:
    """By page size; none of a size that is not asked for."""
    asked = hugepages_in(resources)
    return {size: asked.get(size, 0) for size in page_sizes}


def wider(one: Limits, other: Limits) -> Limits:
    """What suffices for both: a pod has it while its containers change from one to the other."""

    def most(a: int, b: int) -> int:
        return max(a, b) if a and b else 0

    sizes = one.hugepages.keys() | other.hugepages.keys()
    return Limits(
        cpu_shares=max(one.cpu_shares, other.cpu_shares),
        cpu_quota=most(one.cpu_quota, other.cpu_quota),
        memory=most(one.memory, other.memory),
        pids=most(one.pids, other.pids),
        hugepages={size: max(one.hugepages.get(size, 0), other.hugepages.get(size, 0)) for size in sizes},
    )
