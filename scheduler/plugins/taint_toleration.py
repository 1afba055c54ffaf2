"""TaintToleration: keeps pods from nodes whose taints they don't tolerate, and prefers untainted ones."""

from __future__ import annotations

from typing import Any

from apimachinery.taints import NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, find_untolerated, tolerates
from scheduler.framework.interface import EventKind, Normalize, Verdict, node_hints
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

_KEEPS_AWAY = (NO_SCHEDULE, NO_EXECUTE)


class TaintToleration:
    name = "TaintToleration"
    is_static = True
    normalize = Normalize.REVERSE

    def __init__(self) -> None:
        self.hints = node_hints(self.filter, EventKind.NODE_TAINT)

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        taints = node.facts.taints if node.facts else ()
        if find_untolerated(taints, pod.spec.tolerations, _KEEPS_AWAY) is None:
            return None
        return _UNTOLERATED

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        """How many taints would rather not have the pod."""
        taints = node.facts.taints if node.facts else ()
        return sum(
            taint.get("effect") == PREFER_NO_SCHEDULE
            and not any(tolerates(each, taint) for each in pod.spec.tolerations)
            for taint in taints
        )


_UNTOLERATED = Verdict(TaintToleration.name, ("node(s) had untolerated taint(s)",), is_final=True)
