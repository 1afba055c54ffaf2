"""InterPodAffinity: pods that want to be near other pods, or far from them.

Terms are about topologies, not nodes: what is counted is pods per (topology key, value).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from apimachinery.labels import Selector
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Normalize, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_counts import Kind, PodKind, Template
from scheduler.pod_info import AffinityTerm, PodInfo, PodSpec

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray, Mask

# (topology key, value of that label)
Topology = tuple[str, str]


@dataclass(frozen=True)
class AffinityCounts:
    """Pods per topology that matter to the pod in hand."""

    wanted: Counter[Topology]  # pods that match all of its affinity terms
    unwanted: Counter[Topology]  # pods that match one of its anti-affinity terms
    refusing: Counter[Topology]  # pods whose own anti-affinity matches it

    def copy(self) -> AffinityCounts:
        return AffinityCounts(self.wanted.copy(), self.unwanted.copy(), self.refusing.copy())

    @cached_property
    def refusing_keys(self) -> frozenset[str]:
        return frozenset(key for (key, _), count in self.refusing.items() if count > 0)


@dataclass(frozen=True)
class AffinityState:
    """What the pod's terms are about, and whose are about it. Counted when a single node is looked at."""

    wanted: PodKind | None  # pods that match all affinity terms
    unwanted: tuple[tuple[str, PodKind], ...]  # topology key and pods of each anti-affinity term
    refusing: tuple[tuple[str, Template], ...]  # topology key and pods of each term that refuses the pod
    count: Callable[[], AffinityCounts]

    @cached_property
    def counts(self) -> AffinityCounts:
        return self.count()


class InterPodAffinity:
    name = "InterPodAffinity"
    is_static = False
    normalize = Normalize.RANGE
    NO_AFFINITY = Verdict(name, ("node(s) didn't match pod affinity rules",), is_final=True)
    ANTI_AFFINITY = Verdict(name, ("node(s) didn't match pod anti-affinity rules",))
    REFUSED = Verdict(name, ("node(s) didn't satisfy existing pods anti-affinity rules",))

    def __init__(
        self,
        namespaces: Mapping[str, Mapping[str, str]],
        hard_weight: int = 1,
        ignores_others: bool = False,
    ) -> None:
        """`namespaces`: name -> labels, kept up to date by its owner.

        `hard_weight`: what it is worth to be near a pod that requires it. `ignores_others`: for a pod without
        preferences, what others would like is not asked.
        """
        self._namespaces = namespaces
        self._hard_weight = hard_weight
        self._ignores_others = ignores_others
        self.hints: Hints = {
            EventKind.NODE_ADD: always,
            EventKind.NODE_LABEL: always,
            EventKind.POD_ADD: self._brings_affinity,
            EventKind.POD_LABEL: self._changes_sides,
            EventKind.POD_DELETE: self._takes_anti_affinity,
        }

    # Filter

    def pre_filter(self, pod: PodInfo, cache: Cache) -> AffinityState | Skip:
        affinity, anti_affinity = pod.spec.affinity.required, pod.spec.anti_affinity.required
        refusing = tuple(self._refusing(pod, cache.templates_with_anti_affinity))
        if not affinity and not anti_affinity and not refusing:
            return SKIP
        wanted = self._all_of(affinity, pod.namespace) if affinity else None
        unwanted = tuple((term.topology_key, self._kind(term, pod.namespace)) for term in anti_affinity)
        return AffinityState(
            wanted, unwanted, refusing, lambda: _count(pod, cache, wanted, unwanted, refusing)
        )

    def _refusing(self, pod: PodInfo, templates: Iterable[Template]) -> Iterator[tuple[str, Template]]:
        for template in templates:
            for term in template.spec.anti_affinity.required:
                if self._matches(term, template.namespace, pod):
                    yield term.topology_key, template

    def replace_node(self, pod: PodInfo, state: AffinityState, old: NodeInfo, new: NodeInfo) -> AffinityState:
        def changed() -> AffinityCounts:
            counts = state.counts.copy()
            for uid in old.pods.keys() - new.pods.keys():
                self._add_pod(pod, state, counts, old.pods[uid], new, -1)
            for uid in new.pods.keys() - old.pods.keys():
                self._add_pod(pod, state, counts, new.pods[uid], new, 1)
            return counts

        return replace(state, count=changed)

    def _add_pod(
        self,
        pod: PodInfo,
        state: AffinityState,
        counts: AffinityCounts,
        other: PodInfo,
        node: NodeInfo,
        sign: int,
    ) -> None:
        for key, _ in self._refusing(pod, [Template(other.namespace, other.spec)]):
            _add(counts.refusing, key, node, sign)
        if state.wanted is not None and state.wanted.includes(other):
            for term in pod.spec.affinity.required:
                _add(counts.wanted, term.topology_key, node, sign)
        for key, kind in state.unwanted:
            if kind.includes(other):
                _add(counts.unwanted, key, node, sign)

    def filter(self, pod: PodInfo, node: NodeInfo, state: AffinityState) -> Verdict | None:
        labels, counts = node.labels, state.counts
        if not self._has_wanted(pod, labels, state):
            return self.NO_AFFINITY
        for key, _ in state.unwanted:
            if _is_there(counts.unwanted, key, labels):
                return self.ANTI_AFFINITY
        if any(_is_there(counts.refusing, key, labels) for key in counts.refusing_keys):
            return self.REFUSED
        return None

    def _has_wanted(self, pod: PodInfo, labels: Mapping[str, str], state: AffinityState) -> bool:
        terms, wanted = pod.spec.affinity.required, state.counts.wanted
        if any(term.topology_key not in labels for term in terms):
            return False
        if all(_is_there(wanted, term.topology_key, labels) for term in terms):
            return True
        # The first pod of a group that wants to be near its own kind has to start somewhere.
        return not any(count > 0 for count in wanted.values()) and self._wants_itself(pod, state)

    @staticmethod
    def _wants_itself(pod: PodInfo, state: AffinityState) -> bool:
        return state.wanted is not None and state.wanted.includes(pod)

    def filter_columns(self, pod: PodInfo, columns: Columns, mask: Mask) -> Mask:
        """The same for all nodes at once."""
        state = self.pre_filter(pod, columns.cache)
        if isinstance(state, Skip):
            return mask
        if state.wanted is not None:
            mask = mask & self._wanted_columns(pod, state, state.wanted, columns)
        against: tuple[tuple[str, Kind], ...] = (*state.unwanted, *state.refusing)
        for key, kind in against:
            mask = mask & (columns.sum_of_domain(key, kind) == 0)
        return mask

    def _wanted_columns(self, pod: PodInfo, state: AffinityState, kind: PodKind, columns: Columns) -> Mask:
        keys = [term.topology_key for term in pod.spec.affinity.required]
        found = [columns.sum_of_domain(key, kind) for key in keys]
        if self._wants_itself(pod, state) and not any(each.any() for each in found):
            found = [columns.domains(key)[0] + 1 for key in keys]
        mask: Mask = found[0] > 0
        for each in found[1:]:
            mask = mask & (each > 0)
        return mask

    # Score

    def pre_score(self, pod: PodInfo, cache: Cache, nodes: list[NodeInfo]) -> Counter[Topology] | Skip:
        """What each topology is worth to the pod, and the pod to those that run there."""
        worth: Counter[Topology] = Counter()
        for key, kind, weight in self._preferences(pod, cache):
            for node, count in _counted(cache, kind):
                _add(worth, key, node, weight * count)
        return worth or SKIP

    def _preferences(self, pod: PodInfo, cache: Cache) -> Iterator[tuple[str, Kind, int]]:
        """(topology key, pods, weight): of the pod's own terms, and of those of others that are about it."""
        near, far = pod.spec.affinity.preferred, pod.spec.anti_affinity.preferred
        if self._ignores_others and not near and not far:
            return
        for sign, terms in ((1, near), (-1, far)):
            for term in terms:
                yield term.topology_key, self._kind(term, pod.namespace), sign * term.weight
        for template in cache.templates_with_affinity:
            for term, weight in self._weighted(template.spec):
                if self._matches(term, template.namespace, pod):
                    yield term.topology_key, template, weight

    def _weighted(self, spec: PodSpec) -> Iterator[tuple[AffinityTerm, int]]:
        """The terms by which pods that run make a node better or worse for others."""
        for term in spec.affinity.required if self._hard_weight else ():
            yield term, self._hard_weight
        for term in spec.affinity.preferred:
            yield term, term.weight
        for term in spec.anti_affinity.preferred:
            yield term, -term.weight

    def score(self, pod: PodInfo, node: NodeInfo, state: Counter[Topology]) -> int:
        labels = node.labels
        return sum(worth for (key, value), worth in state.items() if labels.get(key) == value)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        total: IntArray | None = None
        for key, kind, weight in self._preferences(pod, columns.cache):
            worth = weight * columns.sum_of_domain(key, kind)
            total = worth if total is None else total + worth
        return None if total is None else total[rows]

    # Terms

    def _resolve(self, term: AffinityTerm, namespace: str) -> frozenset[str] | None:
        """The namespaces that a term of a pod in this one is about; None is all, known or not."""
        selected = term.namespace_selector
        if selected.is_empty:
            return None
        found = set(term.namespaces)
        if not selected.nothing:
            found.update(name for name, labels in self._namespaces.items() if selected.matches(labels))
        elif not found:
            found.add(namespace)
        return frozenset(found)

    def _kind(self, term: AffinityTerm, namespace: str) -> PodKind:
        """The pods that a term of a pod in this namespace is about."""
        return PodKind(self._resolve(term, namespace), term.selector, with_terminating=True)

    def _all_of(self, terms: Sequence[AffinityTerm], namespace: str) -> PodKind:
        """The pods that all terms are about."""
        kinds = [self._kind(term, namespace) for term in terms]
        requirements = tuple(each for kind in kinds for each in kind.selector.requirements)
        selector = Selector(requirements, nothing=any(kind.selector.nothing for kind in kinds))
        limits = [kind.namespaces for kind in kinds if kind.namespaces is not None]
        namespaces = frozenset.intersection(*limits) if limits else None
        return PodKind(namespaces, selector, with_terminating=True)

    def _matches(self, term: AffinityTerm, namespace: str, pod: PodInfo) -> bool:
        """Whether a term of a pod in `namespace` is about `pod`."""
        if not term.selector.matches(pod.labels):
            return False
        if pod.namespace in term.namespaces:
            return True
        if term.namespace_selector.nothing:
            return not term.namespaces and pod.namespace == namespace
        return term.namespace_selector.matches(self._namespaces.get(pod.namespace, {}))

    # Hints

    def _changes_sides(self, pod: PodInfo, subject: Subject) -> bool:
        """Whether a pod has become one that is wanted, or is no longer one that isn't."""
        old, new = Subject(old=subject.old, new=subject.old), Subject(old=subject.new, new=subject.new)
        return (self._brings_affinity(pod, new) and not self._brings_affinity(pod, old)) or (
            self._takes_anti_affinity(pod, old) and not self._takes_anti_affinity(pod, new)
        )

    def _brings_affinity(self, pod: PodInfo, subject: Subject) -> bool:
        other: Any = subject.new
        terms = pod.spec.affinity.required
        return bool(terms) and all(self._matches(term, pod.namespace, other) for term in terms)

    def _takes_anti_affinity(self, pod: PodInfo, subject: Subject) -> bool:
        other: Any = subject.old
        return any(
            self._matches(term, pod.namespace, other) for term in pod.spec.anti_affinity.required
        ) or any(self._matches(term, other.namespace, pod) for term in other.spec.anti_affinity.required)


def _count(
    pod: PodInfo,
    cache: Cache,
    wanted: PodKind | None,
    unwanted: Iterable[tuple[str, Kind]],
    refusing: Iterable[tuple[str, Kind]],
) -> AffinityCounts:
    counts = AffinityCounts(Counter(), Counter(), Counter())
    for node, count in _counted(cache, wanted) if wanted is not None else ():
        for term in pod.spec.affinity.required:
            _add(counts.wanted, term.topology_key, node, count)
    for found, kinds in ((counts.unwanted, unwanted), (counts.refusing, refusing)):
        for key, kind in kinds:
            for node, count in _counted(cache, kind):
                _add(found, key, node, count)
    return counts


def _is_there(counts: Counter[Topology], key: str, labels: Mapping[str, str]) -> bool:
    """Whether there are such pods in the topology that a node is in."""
    value = labels.get(key)
    return value is not None and counts.get((key, value), 0) > 0


def _counted(cache: Cache, kind: Kind) -> list[tuple[NodeInfo, int]]:
    """The nodes that have such pods, and how many."""
    return [(cache.nodes[row], count) for row, count in enumerate(cache.counts(kind)) if count]


def _add(counts: Counter[Topology], key: str, node: NodeInfo, change: int) -> None:
    value = node.labels.get(key)
    if value is not None:
        counts[(key, value)] += change
