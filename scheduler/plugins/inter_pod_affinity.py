"""InterPodAffinity: pods that want to be near other pods, or far from them.

Terms are about topologies, not nodes: what is counted is pods per (topology key, value).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Normalize, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_counts import PodKind
from scheduler.pod_info import AffinityTerm, PodInfo

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray

# (topology key, value of that label)
Topology = tuple[str, str]

HARD_AFFINITY_WEIGHT = 1


@dataclass(frozen=True, slots=True)
class AffinityState:
    """Pods per topology that matter to the pod in hand; `namespaces` resolves its terms."""

    wanted: Counter[Topology]  # pods that match all of its affinity terms
    unwanted: Counter[Topology]  # pods that match one of its anti-affinity terms
    refusing: Counter[Topology]  # pods whose own anti-affinity matches it
    resolved: Mapping[AffinityTerm, frozenset[str]]


class InterPodAffinity:
    name = "InterPodAffinity"
    is_static = False
    normalize = Normalize.RANGE
    NO_AFFINITY = Verdict(name, ("node(s) didn't match pod affinity rules",), is_final=True)
    ANTI_AFFINITY = Verdict(name, ("node(s) didn't match pod anti-affinity rules",))
    REFUSED = Verdict(name, ("node(s) didn't satisfy existing pods anti-affinity rules",))

    def __init__(self, namespaces: Mapping[str, Mapping[str, str]]) -> None:
        """`namespaces`: name -> labels, kept up to date by its owner."""
        self._namespaces = namespaces
        self.hints: Hints = {
            EventKind.NODE_ADD: always,
            EventKind.NODE_LABEL: always,
            EventKind.POD_ADD: self._brings_affinity,
            EventKind.POD_LABEL: always,
            EventKind.POD_DELETE: self._takes_anti_affinity,
        }

    # Filter

    def pre_filter(self, pod: PodInfo, cache: Cache) -> AffinityState | Skip:
        required = (*pod.spec.affinity.required, *pod.spec.anti_affinity.required)
        refusing = self._refusing(pod, cache.pods_with_anti_affinity.values(), cache)
        if not required and not refusing:
            return SKIP
        resolved = {term: self._resolve(term, pod) for term in required}
        state = AffinityState(Counter(), Counter(), refusing, resolved)
        for node in cache.nodes if required else ():
            self._count(pod, state, cache, node)
        return state

    def _refusing(self, pod: PodInfo, others: Iterable[PodInfo], cache: Cache) -> Counter[Topology]:
        found: Counter[Topology] = Counter()
        for other in others:
            node = cache.node(other.node_name)
            if node is not None:
                found.update(self._refused_by(pod, other, node))
        return found

    def _refused_by(self, pod: PodInfo, other: PodInfo, node: NodeInfo) -> list[Topology]:
        return [
            (term.topology_key, node.labels[term.topology_key])
            for term in other.spec.anti_affinity.required
            if term.topology_key in node.labels and self._matches(term, other, pod)
        ]

    def _count(self, pod: PodInfo, state: AffinityState, cache: Cache, node: NodeInfo) -> None:
        """Adds what runs on the node, from counts that are kept for each term."""
        row, labels = node.row, node.labels
        affinity = pod.spec.affinity.required
        if len(affinity) == 1:
            both = cache.counts(_kind(affinity[0], state.resolved))[row]
        else:
            both = self._matching_all(affinity, state.resolved, node.pods.values()) if affinity else 0
        for term in affinity:
            if both and term.topology_key in labels:
                state.wanted[(term.topology_key, labels[term.topology_key])] += both
        for term in pod.spec.anti_affinity.required:
            count = cache.counts(_kind(term, state.resolved))[row]
            if count and term.topology_key in labels:
                state.unwanted[(term.topology_key, labels[term.topology_key])] += count

    @staticmethod
    def _matching_all(
        terms: Iterable[AffinityTerm],
        resolved: Mapping[AffinityTerm, frozenset[str]],
        pods: Iterable[PodInfo],
    ) -> int:
        kinds = [_kind(term, resolved) for term in terms]
        return sum(all(kind.includes(pod) for kind in kinds) for pod in pods)

    def replace_node(self, pod: PodInfo, state: AffinityState, old: NodeInfo, new: NodeInfo) -> AffinityState:
        changed = replace(
            state, wanted=state.wanted.copy(), unwanted=state.unwanted.copy(), refusing=state.refusing.copy()
        )
        for uid in old.pods.keys() - new.pods.keys():
            self._add_pod(pod, changed, old.pods[uid], new, -1)
        for uid in new.pods.keys() - old.pods.keys():
            self._add_pod(pod, changed, new.pods[uid], new, 1)
        return changed

    def _add_pod(self, pod: PodInfo, state: AffinityState, other: PodInfo, node: NodeInfo, sign: int) -> None:
        labels, affinity = node.labels, pod.spec.affinity.required
        for topology in self._refused_by(pod, other, node):
            state.refusing[topology] += sign
        if affinity and self._matching_all(affinity, state.resolved, [other]):
            for term in affinity:
                if term.topology_key in labels:
                    state.wanted[(term.topology_key, labels[term.topology_key])] += sign
        for term in pod.spec.anti_affinity.required:
            if term.topology_key in labels and _kind(term, state.resolved).includes(other):
                state.unwanted[(term.topology_key, labels[term.topology_key])] += sign

    def filter(self, pod: PodInfo, node: NodeInfo, state: AffinityState) -> Verdict | None:
        labels = node.labels
        if not self._has_wanted(pod, labels, state):
            return self.NO_AFFINITY
        for term in pod.spec.anti_affinity.required:
            if state.unwanted.get((term.topology_key, labels.get(term.topology_key, "")), 0) > 0:
                return self.ANTI_AFFINITY
        if any(labels.get(key) == value for (key, value), count in state.refusing.items() if count > 0):
            return self.REFUSED
        return None

    def _has_wanted(self, pod: PodInfo, labels: Mapping[str, str], state: AffinityState) -> bool:
        terms = pod.spec.affinity.required
        if any(term.topology_key not in labels for term in terms):
            return False
        if all(state.wanted.get((term.topology_key, labels[term.topology_key]), 0) > 0 for term in terms):
            return True
        # The first pod of a group that wants to be near its own kind has to start somewhere.
        nobody = not any(count > 0 for count in state.wanted.values())
        return nobody and all(_kind(term, state.resolved).includes(pod) for term in terms)

    # Score

    def pre_score(self, pod: PodInfo, cache: Cache, nodes: list[NodeInfo]) -> Counter[Topology] | Skip:
        """What each topology is worth to the pod, and the pod to those that run there."""
        worth: Counter[Topology] = Counter()
        for sign, terms in ((1, pod.spec.affinity.preferred), (-1, pod.spec.anti_affinity.preferred)):
            for term in terms:
                self._add_own(pod, term, sign * term.weight, cache, worth)
        for other in cache.pods_with_affinity.values():
            node = cache.node(other.node_name)
            if node is not None:
                self._add_theirs(pod, other, node.labels, worth)
        return worth or SKIP

    def _add_own(
        self, pod: PodInfo, term: AffinityTerm, weight: int, cache: Cache, worth: Counter[Topology]
    ) -> None:
        counts = cache.counts(_kind(term, {term: self._resolve(term, pod)}))
        for node in cache.nodes:
            if counts[node.row] and term.topology_key in node.labels:
                worth[(term.topology_key, node.labels[term.topology_key])] += weight * counts[node.row]

    def _add_theirs(
        self, pod: PodInfo, other: PodInfo, labels: Mapping[str, str], worth: Counter[Topology]
    ) -> None:
        spec = other.spec
        terms = [(term, HARD_AFFINITY_WEIGHT) for term in spec.affinity.required]
        terms += [(term, term.weight) for term in spec.affinity.preferred]
        terms += [(term, -term.weight) for term in spec.anti_affinity.preferred]
        for term, weight in terms:
            if term.topology_key in labels and self._matches(term, other, pod):
                worth[(term.topology_key, labels[term.topology_key])] += weight

    def score(self, pod: PodInfo, node: NodeInfo, state: Counter[Topology]) -> int:
        labels = node.labels
        return sum(worth for (key, value), worth in state.items() if labels.get(key) == value)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        state = self.pre_score(pod, columns.cache, columns.cache.nodes)
        if isinstance(state, Skip):
            return None
        nodes = columns.cache.nodes
        return columns.array([self.score(pod, nodes[row], state) for row in rows.tolist()])

    # Terms

    def _resolve(self, term: AffinityTerm, owner: PodInfo) -> frozenset[str]:
        """The namespaces a term of `owner` is about."""
        found = set(term.namespaces)
        if not term.namespace_selector.nothing:
            selected = term.namespace_selector
            found.update(name for name, labels in self._namespaces.items() if selected.matches(labels))
        elif not found:
            found.add(owner.namespace)
        return frozenset(found)

    def _matches(self, term: AffinityTerm, owner: PodInfo, pod: PodInfo) -> bool:
        """Whether a term of `owner` is about `pod`."""
        if not term.selector.matches(pod.labels):
            return False
        if pod.namespace in term.namespaces:
            return True
        if term.namespace_selector.nothing:
            return not term.namespaces and pod.namespace == owner.namespace
        return term.namespace_selector.matches(self._namespaces.get(pod.namespace, {}))

    # Hints

    def _brings_affinity(self, pod: PodInfo, subject: Subject) -> bool:
        other: Any = subject.new
        return any(self._matches(term, pod, other) for term in pod.spec.affinity.required)

    def _takes_anti_affinity(self, pod: PodInfo, subject: Subject) -> bool:
        other: Any = subject.old
        unwanted = any(self._matches(term, pod, other) for term in pod.spec.anti_affinity.required)
        return unwanted or any(self._matches(term, other, pod) for term in other.spec.anti_affinity.required)


def _kind(term: AffinityTerm, resolved: Mapping[AffinityTerm, frozenset[str]]) -> PodKind:
    return PodKind(resolved[term], term.selector, with_terminating=True)
