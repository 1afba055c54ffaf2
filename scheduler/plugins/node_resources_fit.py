"""NodeResourcesFit: a pod's requests must fit into what is left of a node.

Emptier nodes are preferred, unless the configuration has another scoring strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor
from typing import TYPE_CHECKING, Any

from scheduler.framework.interface import EventKind, Hints, Normalize, Subject, Verdict
from scheduler.node_info import NodeInfo
from scheduler.plugin_args import LEAST_ALLOCATED, MOST_ALLOCATED, REQUESTED_RATIO, ScoringStrategy, Weights
from scheduler.plugins.resource_rates import LeastAllocated, MostAllocated, Rate, RequestedToCapacityRatio
from scheduler.pod_info import PodInfo
from scheduler.resources import CPU, EPHEMERAL_STORAGE, MEMORY, PODS, is_counted, is_extended

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray, Mask

DEFAULT_SCORING = ScoringStrategy()
_FIRST = (CPU, MEMORY, EPHEMERAL_STORAGE)
_RATES: Mapping[str, Callable[[ScoringStrategy], Rate]] = {
    LEAST_ALLOCATED: lambda scoring: LeastAllocated(),
    MOST_ALLOCATED: lambda scoring: MostAllocated(),
    REQUESTED_RATIO: lambda scoring: RequestedToCapacityRatio(scoring.shape),
}


class NodeResourcesFit:
    name = "NodeResourcesFit"
    is_static = False
    normalize = Normalize.NONE

    def __init__(
        self,
        scoring: ScoringStrategy = DEFAULT_SCORING,
        ignored: frozenset[str] = frozenset(),
        ignored_groups: frozenset[str] = frozenset(),
    ) -> None:
        """Of `ignored` resources, and of those whose prefix is an ignored group, there is always enough."""
        self._rate: Rate = _RATES[scoring.type](scoring)
        self._resources = scoring.resources
        self._scores_basics = not any(is_counted(name) for name, _ in scoring.resources)
        self._ignored, self._ignored_groups = ignored, ignored_groups
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
        for name, wanted in self._wanted(pod).items():
            if wanted > allocatable.get(name, 0) - requested.get(name, 0):
                return self._reject(pod, node)
        return None

    def _wanted(self, pod: PodInfo) -> Mapping[str, int]:
        requests = pod.spec.requests
        if not self._ignored and not self._ignored_groups:
            return requests
        return {name: wanted for name, wanted in requests.items() if not self._ignores(name)}

    def _ignores(self, name: str) -> bool:
        if not is_extended(name):
            return False
        return name in self._ignored or name.partition("/")[0] in self._ignored_groups

    def _reject(self, pod: PodInfo, node: NodeInfo) -> Verdict:
        """Every resource that is short, in upstream's order."""
        reasons = ["Too many pods"] if len(node.pods) >= node.allowed_pods else []
        is_final = False
        requests = self._wanted(pod)
        for name in [*_FIRST, *(each for each in requests if each not in _FIRST)]:
            wanted, total = requests.get(name, 0), node.allocatable.get(name, 0)
            if wanted and wanted > total - node.requested.get(name, 0):
                reasons.append(f"Insufficient {name}")
                is_final = is_final or wanted > total
        return Verdict(self.name, tuple(reasons), is_final)

    def filter_columns(self, pod: PodInfo, columns: Columns, mask: Mask) -> Mask:
        mask = mask & (columns.pods < columns.allowed_pods)
        for name, wanted in self._wanted(pod).items():
            mask &= columns.free(name) >= wanted
        return mask

    # Score

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        total = weights = 0
        for name, weight in self._scored(pod):
            allocatable = node.allocatable.get(name, 0)
            if not allocatable:
                continue
            points = self._rate.rate(self._used(pod, node, name), allocatable)
            if points or not self._rate.skips_zero:
                total += weight * points
                weights += weight
        if not weights:
            return 0
        return floor(total / weights + 0.5) if self._rate.skips_zero else total // weights

    def _scored(self, pod: PodInfo) -> Weights:
        """A pod that doesn't ask for a device has no opinion of it."""
        if self._scores_basics:
            return self._resources
        wanted = pod.spec.requests
        return tuple(each for each in self._resources if not is_counted(each[0]) or each[0] in wanted)

    @staticmethod
    def _used(pod: PodInfo, node: NodeInfo, name: str) -> int:
        if name in (CPU, MEMORY):
            return node.assumed_requested[name] + pod.spec.assumed_requests.get(name, 0)
        return node.requested.get(name, 0) + pod.spec.requests.get(name, 0)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray:
        total: IntArray = 0 * rows
        weights: IntArray = 0 * rows
        for name, weight in self._scored(pod):
            allocatable = columns.allocatable(name)[rows]
            used = self._used_columns(pod, columns, name, rows)
            points = self._rate.rate_columns(used, allocatable, columns.capacity(name)[rows])
            counted = points > 0 if self._rate.skips_zero else allocatable > 0
            total = total + (points if weight == 1 else weight * points)
            weights = weights + (counted if weight == 1 else weight * counted)
        average = total / (weights + (weights == 0))
        rounded: IntArray = (average + 0.5 if self._rate.skips_zero else average).astype("int64")
        return rounded

    @staticmethod
    def _used_columns(pod: PodInfo, columns: Columns, name: str, rows: IntArray) -> IntArray:
        if name in (CPU, MEMORY):
            return columns.assumed(name)[rows] + pod.spec.assumed_requests.get(name, 0)
        requested = columns.allocatable(name)[rows] - columns.free(name)[rows]
        return requested + pod.spec.requests.get(name, 0)

    # Hints

    def _node_may_do(self, pod: PodInfo, subject: Subject) -> bool:
        """Whether the node would do when empty, and has more than it had of what the pod needs."""
        node, before = subject.node, subject.old_node
        if node is None or self.filter(pod, NodeInfo(node.name, node.facts), None) is not None:
            return False
        had, has = (before.allocatable if before else {}), node.allocatable
        return before is None or any(
            has.get(name, 0) > had.get(name, 0) for name in (PODS, *pod.spec.requests)
        )

    def _frees_something(self, pod: PodInfo, subject: Subject) -> bool:
        """Whether something the pod needs (at least a place) has become free."""
        if subject.new is None:
            return True
        before = subject.old.spec.requests if subject.old else {}
        after = subject.new.spec.requests
        return any(after.get(name, 0) < before.get(name, 0) for name in pod.spec.requests)
