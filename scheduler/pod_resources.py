"""What pods ask for and may use at most, as metrics of their own: /metrics/resources. Pure.

Source: pkg/scheduler/metrics/resources/resources.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from apimachinery.objects import Object, get_path, name_of, namespace_of
from apimachinery.pods import is_terminal, pod_limits, pod_requests
from apimachinery.quantity import Quantity
from component_base.metric_families import gauge
from component_base.metrics import EXPOSITION

PATH = "/metrics/resources"

_LABELS = ("namespace", "pod", "node", "scheduler", "priority", "resource", "unit")
_HELP = (
    "on the cluster, broken down by pod. This shows the resource usage the scheduler and kubelet expect per "
    "pod for resources along with the unit for the resource if any."
)
_UNITS = {"cpu": "cores", "memory": "bytes", "storage": "bytes", "ephemeral-storage": "bytes"}


def render(pods: Iterable[Object]) -> bytes:
    """The text of all pods that have not ended on their node."""
    registry = CollectorRegistry()
    registry.register(_PodResources(pods))
    return EXPOSITION.text(registry)


class _PodResources(Collector):
    def __init__(self, pods: Iterable[Object]) -> None:
        self._pods = [pod for pod in pods if not (pod["spec"].get("nodeName") and is_terminal(pod))]

    def collect(self) -> Iterator[Metric]:
        yield self._family("request", f"Resources requested by workloads {_HELP}", pod_requests)
        yield self._family("limit", f"Resources limit for workloads {_HELP}", pod_limits)

    def _family(self, sort: str, help: str, amounts: Callable[[Object], Mapping[str, Quantity]]) -> Metric:
        samples = (
            ([*_place_of(pod), resource, _unit(resource)], float(amount))
            for pod in self._pods
            for resource, amount in amounts(pod).items()
            if amount
        )
        return gauge(f"kube_pod_resource_{sort}", help, _LABELS, samples)


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
