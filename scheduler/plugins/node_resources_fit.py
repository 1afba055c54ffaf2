"""NodeResourcesFit: a pod's requests must fit into what is left of a node; emptier nodes are preferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduler.framework.interface import MAX_NODE_SCORE, EventKind, Hints, Normalize, Subject, Verdict
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.resources import CPU, EPHEMERAL_STORAGE, MEMORY

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray, Mask

_FIRST = (CPU, MEMORY, EPHEMERAL_STORAGE)


class NodeResourcesFit:
    """Scores as upstream's LeastAllocated, cpu and memory weighing the same."""

    name = "NodeResourcesFit"
    is_static = False
    normalize = Normalize.NONE

    def __init__(self) -> None:
        self.hints: Hints = {
            EventKind.NODE_ADD: self._node_may_do,
            EventKind.NODE_ALLOCATABLE: self._node_may_do,
            EventKind.POD_DELETE: self._frees_something,
            EventKind.POD_SCALE_DOWN: self._frees_something,
        }

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        if len(node.pods) >= node.allowed_pods:
            return self._reject(pod, node)
        allocatable, requested = node.allocatable, node.requested
        for name, wanted in pod.spec.requests.items():
            if wanted > allocatable.get(name, 0) - requested.get(name, 0):
                return self._reject(pod, node)
        return None

    def _reject(self, pod: PodInfo, node: NodeInfo) -> Verdict:
        """Every resource that is short, in upstream's order."""
        reasons = ["Too many pods"] if len(node.pods) >= node.allowed_pods else []
        is_final = False
        requests = pod.spec.requests
        for name in [*_FIRST, *(each for each in requests if each not in _FIRST)]:
            wanted, total = requests.get(name, 0), node.allocatable.get(name, 0)
            if wanted and wanted > total - node.requested.get(name, 0):
                reasons.append(f"Insufficient {name}")
                is_final = is_final or wanted > total
        return Verdict(self.name, tuple(reasons), is_final)

    def filter_columns(self, pod: PodInfo, columns: Columns, mask: Mask) -> Mask:
        mask = mask & (columns.pods < columns.allowed_pods)
        for name, wanted in pod.spec.requests.items():
            mask &= columns.free(name) >= wanted
        return mask

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        wanted = pod.spec.assumed_requests
        total = weights = 0
        for name in (CPU, MEMORY):
            allocatable = node.allocatable.get(name, 0)
            if not allocatable:
                continue
            left = allocatable - node.assumed_requested[name] - wanted.get(name, 0)
            total += max(left, 0) * MAX_NODE_SCORE // allocatable
            weights += 1
        return total // weights if weights else 0

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray:
        wanted = pod.spec.assumed_requests
        total: IntArray = 0 * rows
        weights: IntArray = 0 * rows
        for name in (CPU, MEMORY):
            allocatable = columns.allocatable(name)[rows]
            left = allocatable - columns.assumed(name)[rows] - wanted.get(name, 0)
            # A division of floats is much faster, and exact after truncation for numbers below 2**45.
            share = left * (left > 0) * MAX_NODE_SCORE / columns.capacity(name)[rows]
            total = total + share.astype("int64")
            weights = weights + (allocatable > 0)
        average: IntArray = (total / (weights + (weights == 0))).astype("int64")
        return average

    def _node_may_do(self, pod: PodInfo, subject: Subject) -> bool:
        """Whether the node would do when empty."""
        node = subject.node
        return node is not None and self.filter(pod, NodeInfo(node.name, node.facts), None) is None

    def _frees_something(self, pod: PodInfo, subject: Subject) -> bool:
        """Whether something the pod needs (at least a place) has become free."""
        if subject.new is None:
            return True
        before = subject.old.spec.requests if subject.old else {}
        after = subject.new.spec.requests
        return any(after.get(name, 0) < before.get(name, 0) for name in pod.spec.requests)
