"""NodePorts: a host port can be taken once."""

from __future__ import annotations

from typing import Any

from scheduler.framework.interface import SKIP, EventKind, Hints, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo


class NodePorts:
    name = "NodePorts"
    is_static = False
    TAKEN = Verdict(name, ("node(s) didn't have free ports for the requested pod ports",))

    def __init__(self) -> None:
        self.hints: Hints = {EventKind.NODE_ADD: always, EventKind.POD_DELETE: self._frees_a_port}

    def pre_filter(self, pod: PodInfo, cache: object) -> Skip | None:
        return None if pod.spec.host_ports else SKIP

    def replace_node(self, pod: PodInfo, state: Any, old: NodeInfo, new: NodeInfo) -> Any:
        return state

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        return self.TAKEN if any(map(node.is_port_taken, pod.spec.host_ports)) else None

    def _frees_a_port(self, pod: PodInfo, subject: Subject) -> bool:
        if subject.old is None:
            return False
        freed = NodeInfo("").changed(with_=[subject.old])
        return any(map(freed.is_port_taken, pod.spec.host_ports))
