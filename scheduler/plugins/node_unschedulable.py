"""NodeUnschedulable: cordoned nodes take only pods that tolerate it."""

from __future__ import annotations

from typing import Any

from apimachinery.taints import NO_SCHEDULE, NODE_UNSCHEDULABLE, tolerates
from scheduler.framework.interface import EventKind, Verdict, node_hints
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

_TAINT = {"key": NODE_UNSCHEDULABLE, "effect": NO_SCHEDULE}


class NodeUnschedulable:
    name = "NodeUnschedulable"
    is_static = True
    CORDONED = Verdict(name, ("node(s) were unschedulable",), is_final=True)

    def __init__(self) -> None:
        self.hints = node_hints(self.filter, EventKind.NODE_TAINT)

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        if node.facts is None or not node.facts.is_unschedulable:
            return None
        return None if any(tolerates(each, _TAINT) for each in pod.spec.tolerations) else self.CORDONED
