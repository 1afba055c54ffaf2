"""NodeName: a pod that names its node goes there or nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduler.framework.interface import EventKind, Hints, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

if TYPE_CHECKING:
    from scheduler.columns import Columns, Mask


class NodeName:
    name = "NodeName"
    is_static = False
    MISMATCH = Verdict(name, ("node(s) didn't match the requested node name",), is_final=True)

    def __init__(self) -> None:
        self.hints: Hints = {EventKind.NODE_ADD: always}

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        return self.MISMATCH if pod.node_name and pod.node_name != node.name else None

    def filter_columns(self, pod: PodInfo, columns: Columns, mask: Mask) -> Mask:
        return mask & columns.is_named(pod.node_name) if pod.node_name else mask
