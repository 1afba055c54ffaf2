"""What hollow nodes use: what their containers do. One look serves all who ask at about the same time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from apimachinery.objects import Object, get_path
from kubelet.runtime.interface import Runtime
from kubelet.runtime.usage import ContainerUsage
from kubelet.stats.exposition import NANO, PodUsage
from kubelet.stats.pods import PodStats, container_ids

PERIOD = 0.5
"""Seconds for which a look is recent."""
IDLE_CPU, IDLE_MEMORY = 0.01, 64 << 20
"""Cores and bytes that a node uses by itself, as if it had daemons."""


def metrics_path(node: str) -> str:
    """Where the usage of a node is told."""
    return f"/metrics/nodes/{node}/resource"


@dataclass(slots=True)
class NodeUse:
    """Of one node at a time, in Unix seconds."""

    time: float
    usage: ContainerUsage
    pods: list[PodUsage]


class HollowUsage:
    """`pods` are those of all nodes of the process, `now` gives Unix seconds."""

    def __init__(
        self, runtime: Runtime, pods: Callable[[], Iterable[Object]], now: Callable[[], float]
    ) -> None:
        self._runtime = runtime
        self._list_pods = pods
        self._now = now
        self._began = now()
        self._looked_at = float("-inf")
        self._containers: Mapping[str, ContainerUsage] = {}
        self._pods: dict[str, list[PodUsage]] = {}
        self._cpu: Counter[str] = Counter()
        """Nanoseconds by node; they go on counting when containers have gone."""

    async def of(self, node: str) -> NodeUse:
        if self._now() - self._looked_at >= PERIOD:
            self._looked_at = self._now()
            self._take(await self._runtime.usage())
        pods = self._pods.get(node, [])
        cpu = self._cpu[node] + int((self._looked_at - self._began) * IDLE_CPU * NANO)
        memory = IDLE_MEMORY + sum(stats.memory for _, stats in pods)
        return NodeUse(self._looked_at, ContainerUsage(cpu, memory, memory, memory), pods)

    def _take(self, containers: Mapping[str, ContainerUsage]) -> None:
        self._pods = defaultdict(list)
        for pod in self._list_pods():
            node, running = get_path(pod, "spec.nodeName", ""), _running(pod, containers)
            usage = {name: containers[each] for name, each in running}
            self._pods[node].append((pod, PodStats(usage=usage)))
            self._cpu[node] += sum(
                containers[each].cpu_nanoseconds - self._known(each) for _, each in running
            )
        self._containers = containers

    def _known(self, container_id: str) -> int:
        """What has been counted of a container already."""
        known = self._containers.get(container_id)
        return known.cpu_nanoseconds if known else 0


def _running(pod: Object, containers: Mapping[str, ContainerUsage]) -> list[tuple[str, str]]:
    """Names and ids."""
    return [(name, each) for name, each in container_ids(pod) if each in containers]
