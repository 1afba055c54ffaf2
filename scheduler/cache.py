"""The scheduler's view of the cluster: nodes, the pods on them, and the pods it has decided to put there.

A pod is assumed on its node as soon as that is decided, before the API knows. The watch confirms it; a failed
binding forgets it. All methods are plain functions on one event loop, so a decision always sees one state.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from apimachinery.objects import NamespacedName
from scheduler.framework.interface import EventKind
from scheduler.node_info import NodeFacts, NodeInfo
from scheduler.pod_counts import Kind, PodCounts, Template
from scheduler.pod_info import PodInfo

# An assumed pod whose binding was answered but never seen is given up after this: a safety net.
ASSUMED_FOR = 900.0
MAX_CHANGES = 50_000


class Cache:
    """Nodes by row (dense, for columns) and by name; pods by uid."""

    def __init__(self) -> None:
        self.nodes: list[NodeInfo] = []
        self.pods: dict[str, PodInfo] = {}
        self.namespaces: dict[str, Mapping[str, str]] = {}
        # How many pods with a node are of each template whose terms score nodes, or refuse pods, for others.
        self.templates_with_affinity: Counter[Template] = Counter()
        self.templates_with_anti_affinity: Counter[Template] = Counter()
        self.claim_users: dict[NamespacedName, set[str]] = {}  # the pods with a node that use a claim
        self.image_counts: Counter[str] = Counter()
        self.image_version = 0
        self.layout_version = 0  # rows were added or moved
        self.changed_facts: list[int] = []  # rows whose Node object changed, in order
        self.changed_rows: set[int] = set()  # rows whose use changed, until somebody takes note
        self._by_name: dict[str, NodeInfo] = {}
        self._assumed: dict[str, float] = {}  # uid -> when to give up
        self._counts = PodCounts()

    def sizes(self) -> dict[str, int]:
        """How much it knows, as metrics name it."""
        return {"nodes": len(self.nodes), "pods": len(self.pods), "assumed_pods": len(self._assumed)}

    # Nodes

    def node(self, name: str) -> NodeInfo | None:
        found = self._by_name.get(name)
        return found if found is not None and found.facts is not None else None

    def labels_of_node(self, name: str) -> Mapping[str, str] | None:
        node = self.node(name)
        return None if node is None else node.labels

    def set_node(self, facts: NodeFacts) -> list[EventKind]:
        """Adds or changes a node; says what has changed for the pods that wait."""
        node = self._by_name.setdefault(facts.name, NodeInfo(facts.name))
        old, node.facts = node.facts, facts
        if old == facts:
            return []
        self._count_images(old, facts)
        if old is None:
            self._append(node)
            return [EventKind.NODE_ADD]
        self._note_change(node.row)
        self.changed_rows.add(node.row)
        return _node_changes(old, facts)

    def _note_change(self, row: int) -> None:
        self.changed_facts.append(row)
        if len(self.changed_facts) > MAX_CHANGES:
            self.layout_version += 1  # whoever follows the changes starts anew, and clears them

    def _append(self, node: NodeInfo) -> None:
        node.row = len(self.nodes)
        self.nodes.append(node)
        self.layout_version += 1
        if node.pods:
            self._counts.clear()
        else:
            self._counts.append_row()

    def remove_node(self, name: str) -> None:
        """Takes the node away; its pods stay known until they are deleted themselves."""
        node = self._by_name.get(name)
        if node is None or node.facts is None:
            return
        self._count_images(node.facts, None)
        self.nodes.remove(node)
        node.facts, node.row = None, -1
        for row, each in enumerate(self.nodes):
            each.row = row
        self.layout_version += 1
        self._counts.clear()
        if not node.pods:
            del self._by_name[name]

    def _count_images(self, old: NodeFacts | None, new: NodeFacts | None) -> None:
        before, after = old.images if old else {}, new.images if new else {}
        # Shares of nodes, which scores are made of, change with the number of nodes too.
        if before != after or old is None or new is None:
            self.image_counts.subtract(before.keys())
            self.image_counts.update(after.keys())
            self.image_version += 1

    # Pods

    def assume(self, pod: PodInfo, node_name: str) -> PodInfo:
        assumed = replace(pod, node_name=node_name)
        self._assumed[pod.uid] = float("inf")
        self._put(assumed)
        return assumed

    def is_assumed(self, uid: str) -> bool:
        return uid in self._assumed

    def finish_binding(self, uid: str, now: float) -> None:
        """The API has answered; the watch should show the pod soon."""
        if uid in self._assumed:
            self._assumed[uid] = now + ASSUMED_FOR

    def forget(self, uid: str) -> None:
        """The binding failed."""
        if self._assumed.pop(uid, None) is not None:
            self._drop(uid)

    def expire(self, now: float) -> list[PodInfo]:
        """Gives up assumed pods that were never confirmed."""
        late = [uid for uid, deadline in self._assumed.items() if deadline <= now]
        expired = [self.pods[uid] for uid in late]
        for uid in late:
            self.forget(uid)
        return expired

    def set_pod(self, pod: PodInfo) -> PodInfo | None:
        """Adds, confirms or changes a pod that has a node; returns what was known of it."""
        self._assumed.pop(pod.uid, None)
        known = self.pods.get(pod.uid)
        if known is not None and not _same_use(known, pod):
            self._drop(pod.uid)
        elif known is not None:
            self._replace(pod)
            return known
        self._put(pod)
        return known

    def remove_pod(self, uid: str) -> PodInfo | None:
        self._assumed.pop(uid, None)
        return self._drop(uid)

    def _put(self, pod: PodInfo) -> None:
        node = self._by_name.get(pod.node_name)
        if node is None:
            node = self._by_name[pod.node_name] = NodeInfo(pod.node_name)
        node.add(pod)
        self.pods[pod.uid] = pod
        for claim in pod.claims:
            self.claim_users.setdefault(claim.key, set()).add(pod.uid)
        self._count_template(pod, 1)
        self.changed_rows.add(node.row)
        self._counts.add(pod, node.row, 1)

    def _drop(self, uid: str) -> PodInfo | None:
        pod = self.pods.pop(uid, None)
        if pod is None:
            return None
        for claim in pod.claims:
            self._release(claim.key, uid)
        self._count_template(pod, -1)
        node = self._by_name[pod.node_name]
        node.remove(pod)
        self.changed_rows.add(node.row)
        self._counts.add(pod, node.row, -1)
        if node.facts is None and not node.pods:
            del self._by_name[pod.node_name]
        return pod

    def _release(self, claim: NamespacedName, uid: str) -> None:
        users = self.claim_users[claim]
        users.discard(uid)
        if not users:
            del self.claim_users[claim]

    def _replace(self, pod: PodInfo) -> None:
        """A newer object that counts the same: the usual case, a change of status."""
        self.pods[pod.uid] = pod
        self._by_name[pod.node_name].pods[pod.uid] = pod

    def _count_template(self, pod: PodInfo, change: int) -> None:
        spec, template = pod.spec, Template(pod.namespace, pod.spec)
        if spec.anti_affinity.required:
            _count(self.templates_with_anti_affinity, template, change)
        if spec.affinity.required or spec.affinity.preferred or spec.anti_affinity.preferred:
            _count(self.templates_with_affinity, template, change)

    # Counts

    def counts(self, kind: Kind) -> array[int]:
        """Pods of this kind on each node, by row."""
        return self._counts.of(kind, self.nodes)


def _count(templates: Counter[Template], template: Template, change: int) -> None:
    templates[template] += change
    if not templates[template]:
        del templates[template]


def _same_use(one: PodInfo, other: PodInfo) -> bool:
    return (
        one.spec is other.spec
        and one.node_name == other.node_name
        and one.labels == other.labels
        and one.is_terminating == other.is_terminating
    )


def _node_changes(old: NodeFacts, new: NodeFacts) -> list[EventKind]:
    changes = []
    if old.allocatable != new.allocatable:
        changes.append(EventKind.NODE_ALLOCATABLE)
    if old.labels != new.labels:
        changes.append(EventKind.NODE_LABEL)
    if old.taints != new.taints or old.is_unschedulable != new.is_unschedulable:
        changes.append(EventKind.NODE_TAINT)
    return changes
