"""Nominator: pods that wait for room on a node that preemption is making for them.

Others must leave that room alone, unless they are of higher priority.
"""

from __future__ import annotations

from dataclasses import replace

from scheduler.pod_info import PodInfo


class Nominator:
    def __init__(self) -> None:
        self._by_node: dict[str, dict[str, PodInfo]] = {}
        self._node_of: dict[str, str] = {}

    def add(self, pod: PodInfo, node: str) -> None:
        self.remove(pod.uid)
        self._by_node.setdefault(node, {})[pod.uid] = replace(pod, nominated_node=node)
        self._node_of[pod.uid] = node

    def remove(self, uid: str) -> None:
        node = self._node_of.pop(uid, None)
        if node is not None:
            pods = self._by_node[node]
            del pods[uid]
            if not pods:
                del self._by_node[node]

    def node_of(self, uid: str) -> str:
        return self._node_of.get(uid, "")

    @property
    def nodes(self) -> list[str]:
        return list(self._by_node)

    def before(self, pod: PodInfo, node: str) -> list[PodInfo]:
        """Pods nominated to the node that `pod` has to leave room for."""
        pods = self._by_node.get(node)
        if pods is None:
            return []
        return [each for uid, each in pods.items() if each.priority >= pod.priority and uid != pod.uid]

    def lower(self, pod: PodInfo, node: str) -> list[PodInfo]:
        """Pods nominated to the node that `pod` may take the room of."""
        return [each for each in self._by_node.get(node, {}).values() if each.priority < pod.priority]
