"""NodeResourcesBalancedAllocation: prefers nodes whose resources would be used in equal shares."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from scheduler.framework.interface import MAX_NODE_SCORE, NO_HINTS, SKIP, Normalize, Skip
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.resources import CPU, MEMORY, is_counted

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray

_USUAL = (CPU, MEMORY)


class NodeResourcesBalancedAllocation:
    name = "NodeResourcesBalancedAllocation"
    hints = NO_HINTS
    is_static = False
    normalize = Normalize.NONE

    def __init__(self, resources: tuple[str, ...] = _USUAL) -> None:
        self._resources = resources

    def pre_score(self, pod: PodInfo, cache: object, nodes: list[NodeInfo]) -> Skip | None:
        return None if self._matters(pod) else SKIP

    def _matters(self, pod: PodInfo) -> bool:
        """A pod that asks for nothing that is balanced can't unbalance anything."""
        return any(pod.spec.requests.get(name) for name in self._resources)

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        shares = []
        wanted = pod.spec.requests
        for name in self._resources:
            allocatable = node.allocatable.get(name, 0)
            if allocatable and (name in wanted or not is_counted(name)):
                used = node.requested.get(name, 0) + wanted.get(name, 0)
                shares.append(min(used / allocatable, 1.0))
        return int((1 - _deviation(shares)) * MAX_NODE_SCORE)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        if not self._matters(pod):
            return None
        if self._resources != _USUAL:
            return columns.array([self.score(pod, columns.cache.nodes[row], None) for row in rows.tolist()])
        cpu, memory = (self._shares(pod, columns, rows, name) for name in (CPU, MEMORY))
        deviation = abs(cpu - memory) / 2
        both = (columns.allocatable(CPU)[rows] > 0) & (columns.allocatable(MEMORY)[rows] > 0)
        scores: IntArray = ((1 - deviation * both) * MAX_NODE_SCORE).astype("int64")
        return scores

    def _shares(self, pod: PodInfo, columns: Columns, rows: IntArray, name: str) -> Any:
        used = columns.allocatable(name)[rows] - columns.free(name)[rows] + pod.spec.requests.get(name, 0)
        shares = used / columns.capacity(name)[rows]
        shares[shares > 1.0] = 1.0
        return shares


def _deviation(shares: list[float]) -> float:
    """The standard deviation; of two values that is half their distance."""
    if len(shares) < 2:
        return 0.0
    if len(shares) == 2:
        return abs(shares[0] - shares[1]) / 2
    mean = sum(shares) / len(shares)
    return sqrt(sum((each - mean) ** 2 for each in shares) / len(shares))
