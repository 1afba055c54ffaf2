"""NodeAffinity: nodeSelector, required and preferred node affinity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.node_selector import NodeSelectorTerm, RequiredNodes
from scheduler.framework.interface import EventKind, Normalize, Verdict, node_hints
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

ALL_NODES = RequiredNodes()
Preference = tuple[int, NodeSelectorTerm]


class NodeAffinity:
    name = "NodeAffinity"
    is_static = True
    normalize = Normalize.SCALE
    MISMATCH = Verdict(name, ("node(s) didn't match Pod's node affinity/selector",), is_final=True)
    CONFLICT = Verdict(name, ("pod affinity terms conflict",), is_final=True)

    ENFORCED = Verdict(name, ("node(s) didn't match scheduler-enforced node affinity",), is_final=True)

    def __init__(self, added: RequiredNodes = ALL_NODES, preferences: Sequence[Preference] = ()) -> None:
        """`added` and `preferences` are asked of nodes for every pod, besides its own."""
        self._added = None if added.is_everything else added
        self._preferences = tuple(preferences)
        self.hints = node_hints(self.filter, EventKind.NODE_LABEL)

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        if self._added is not None and not self._added.matches(node.name, node.labels):
            return self.ENFORCED
        required = pod.spec.required_nodes
        if required.is_everything or required.matches(node.name, node.labels):
            return None
        return self.MISMATCH

    def eligible_nodes(self, pod: PodInfo, state: Any) -> frozenset[str] | Verdict | None:
        names = pod.spec.required_nodes.names
        return self.CONFLICT if names is not None and not names else names

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        """The weights of the preferences that the node meets."""
        preferred = (*self._preferences, *pod.spec.preferred_nodes)
        return sum(weight for weight, term in preferred if term.matches(node.name, node.labels))
