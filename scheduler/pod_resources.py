"""What pods ask for and may use at most, as metrics of their own: /metrics/resources.

Source: pkg/scheduler/metrics/resources/resources.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from apimachinery.objects import Object, get_path, name_of, namespace_of
from apimachinery.pods import is_terminal, pod_limits, pod_requests
from apimachinery.quantity import Quantity
from component_base.metrics import EXPOSITION

PATH = "/metrics/resources"

_LABELS = ("namespace", "pod", "node", "scheduler", "priority", "resource", "unit")
_HELP = (
    "on the cluster, broken down by pod. This shows the resource usage the scheduler and kubelet expect per "
    "pod for resources along with the unit for the resource if any."
)
_AT_A_TIME = 50
"""Pods that are looked at without a pause."""
_UNITS = {"cpu": "cores", "memory": "bytes", "storage": "bytes", "ephemeral-storage": "bytes"}


async def render(pods: Iterable[Object]) -> bytes:
    """The text of all pods that have not ended on their node, with turns for others in between."""
    here = [pod for pod in pods if not (pod["spec"].get("nodeName") and is_terminal(pod))]
    request = f"Resources requested by workloads {_HELP}"
    limit = f"Resources limit for workloads {_HELP}"
    families = [
        await _family("kube_pod_resource_request", request, here, pod_requests),
        await _family("kube_pod_resource_limit", limit, here, pod_limits),
    ]
    return await EXPOSITION.text_in_slices(families)


async def _family(
    name: str, help: str, pods: Sequence[Object], amounts: Callable[[Object], Mapping[str, Quantity]]
) -> Metric:
    family = GaugeMetricFamily(name, help, labels=_LABELS)
    for number, pod in enumerate(pods, 1):
        for resource, amount in amounts(pod).items():
            if amount:
                family.add_metric([*_place_of(pod), resource, _unit(resource)], float(amount))
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
    return family


def _place_of(pod: Object) -> list[str]:
    spec = pod["spec"]
    priority = get_path(pod, "spec.priority")
    return [
        namespace_of(pod),
        name_of(pod),
        spec.get("nodeName") or "",
        spec.get("schedulerName") or "",
        "" if priority is None else str(priority),
    ]


def _unit(resource: str) -> str:
    if resource.startswith("hugepages-"):
        return "bytes"
    if resource.startswith("attachable-volumes-"):
        return "integer"
    return _UNITS.get(resource, "")
