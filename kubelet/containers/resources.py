"""Requests and limits as the kernel takes them: shares, quota, bytes, OOM score. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object
from apimachinery.pods import (
    BEST_EFFORT,
    GUARANTEED,
    is_sidecar,
    limits_of,
    qos_class,
    requests_of,
    sum_of_resources,
)
from apimachinery.quantity import Quantity
from kubelet.pods.critical import SYSTEM_CRITICAL_PRIORITY
from kubelet.runtime.interface import Resources

HUGEPAGES = "hugepages-"
MIN_SHARES, SHARES_PER_CPU = 2, 1024
MIN_QUOTA, QUOTA_PERIOD = 1000, 100_000
MAX_SHARES = 262144
GUARANTEED_OOM_SCORE, BEST_EFFORT_OOM_SCORE = -997, 1000


def resources_of(
    pod: Object, container: Object, *, memory_capacity: int, pids_limit: int = 0, enforce_cpu: bool = True
) -> Resources:
    """A container without a limit of its own has the pod's."""
    requests, limits = requests_of(container), {**limits_of(pod["spec"]), **limits_of(container)}
    cpu_limit = limits["cpu"].milli_value() if "cpu" in limits else 0
    cpu = requests["cpu"].milli_value() if "cpu" in requests else cpu_limit
    return Resources(
        cpu_shares=cpu_shares(cpu),
        cpu_quota=cpu_quota(cpu_limit) if enforce_cpu else 0,
        memory_limit=limits["memory"].value() if "memory" in limits else 0,
        pids_limit=pids_limit,
        oom_score_adj=oom_score(pod, container, memory_capacity),
        hugepages=hugepages_in(limits_of(container)),
    )


def hugepages_in(resources: Mapping[str, Quantity]) -> dict[int, int]:
    """Bytes by page size."""
    return {
        Quantity.parse(name.removeprefix(HUGEPAGES)).value(): value.value()
        for name, value in resources.items()
        if name.startswith(HUGEPAGES)
    }


def cpu_shares(milli: int) -> int:
    return min(max(milli * SHARES_PER_CPU // 1000, MIN_SHARES), MAX_SHARES)


def cpu_quota(milli: int) -> int:
    """0, which is no limit, of 0."""
    return max(milli * QUOTA_PERIOD // 1000, MIN_QUOTA) if milli else 0


def memory_request(container: Object) -> int:
    return requests_of(container).get("memory", Quantity()).value()


def _share_of_the_rest(pod: Object) -> int:
    """Of what the pod has asked for beyond its containers: the same for each that runs on."""
    spec = pod["spec"]
    whole = requests_of(spec).get("memory")
    if whole is None:
        return 0
    rest = whole - sum_of_resources(spec, "requests").get("memory", Quantity())
    sidecars = [each for each in spec.get("initContainers") or () if is_sidecar(each)]
    return max(rest.value(), 0) // len([*spec["containers"], *sidecars])


def oom_score(pod: Object, container: Object, memory_capacity: int) -> int:
    """The less a burstable container has asked for, the sooner it dies; guaranteed ones last."""
    if ((pod.get("spec") or {}).get("priority") or 0) >= SYSTEM_CRITICAL_PRIORITY:
        return GUARANTEED_OOM_SCORE
    quality = qos_class(pod)
    if quality == GUARANTEED:
        return GUARANTEED_OOM_SCORE
    if quality == BEST_EFFORT:
        return BEST_EFFORT_OOM_SCORE
    asked = memory_request(container) + _share_of_the_rest(pod)
    if is_sidecar(container):  # it lasts as long as those that it serves
        asked = max(asked, min(map(memory_request, pod["spec"]["containers"])))
    score = 1000 - 1000 * asked // memory_capacity if memory_capacity else 1000
    return min(max(score, 1000 + GUARANTEED_OOM_SCORE), BEST_EFFORT_OOM_SCORE - 1)
