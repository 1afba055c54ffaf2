"""NodeResourcesBalancedAllocation: prefers nodes whose cpu and memory would be used in equal shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduler.framework.interface import MAX_NODE_SCORE, NO_HINTS, SKIP, Normalize, Skip
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.resources import CPU, MEMORY

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray


class NodeResourcesBalancedAllocation:
    name = "NodeResourcesBalancedAllocation"
    hints = NO_HINTS
    is_static = False
    normalize = Normalize.NONE

    def pre_score(self, pod: PodInfo, cache: object, nodes: list[NodeInfo]) -> Skip | None:
        """A pod that asks for nothing can't unbalance anything."""
        return None if pod.spec.requests else SKIP

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        shares = []
        for name in (CPU, MEMORY):
            allocatable = node.allocatable.get(name, 0)
            if allocatable:
                used = node.requested.get(name, 0) + pod.spec.requests.get(name, 0)
                shares.append(min(used / allocatable, 1.0))
        # The standard deviation; of two values that is half their distance.
        deviation = abs(shares[0] - shares[1]) / 2 if len(shares) == 2 else 0.0
        return int((1 - deviation) * MAX_NODE_SCORE)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        if not pod.spec.requests:
            return None
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
