"""What hollow nodes use: what their containers do. One look serves all who ask at about the same time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from apimachinery.objects import Object, get_path
from kubelet.runtime.interface import Runtime
from kubelet.runtime.usage import ContainerUsage
from kubelet.stats.exposition import PodUsage
from kubelet.stats.pods import PodStats, container_ids

PERIOD = 0.5
"""Seconds for which a look is recent."""


def metrics_path(node: str) -> str:
    """Where the usage of a node is told."""
    return f"/metrics/nodes/{node}/resource"


@dataclass(slots=True)
class NodeUse:
    """Of one node; the processor time goes on counting when containers have gone."""

    pods: list[PodUsage] = field(default_factory=list)
    cpu_nanoseconds: int = 0

    @property
    def usage(self) -> ContainerUsage:
        memory = sum(stats.memory for _, stats in self.pods)
        return ContainerUsage(self.cpu_nanoseconds, memory, memory, memory)


class HollowUsage:
    """`pods` are those of all nodes of the process."""

    def __init__(
        self, runtime: Runtime, pods: Callable[[], Iterable[Object]], clock: Callable[[], float]
    ) -> None:
        self._runtime = runtime
        self._pods = pods
        self._clock = clock
        self._looked_at = float("-inf")
        self._containers: Mapping[str, ContainerUsage] = {}
        self._nodes: dict[str, NodeUse] = defaultdict(NodeUse)

    async def of(self, node: str) -> NodeUse:
        if self._clock() - self._looked_at >= PERIOD:
            self._looked_at = self._clock()
            self._take(await self._runtime.usage())
        return self._nodes[node]

    def _take(self, containers: Mapping[str, ContainerUsage]) -> None:
        for use in self._nodes.values():
            use.pods = []
        for pod in self._pods():
            use = self._nodes[get_path(pod, "spec.nodeName", "")]
            usage = {name: containers[each] for name, each in container_ids(pod) if each in containers}
            use.pods.append((pod, PodStats(usage=usage)))
            use.cpu_nanoseconds += sum(
                containers[each].cpu_nanoseconds - self._known(each)
                for _, each in container_ids(pod)
                if each in containers
            )
        self._containers = containers

    def _known(self, container_id: str) -> int:
        """What has been counted of a container already."""
        known = self._containers.get(container_id)
        return known.cpu_nanoseconds if known else 0
