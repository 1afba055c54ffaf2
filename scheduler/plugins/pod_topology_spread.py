"""PodTopologySpread: keeps the pods of one kind spread over zones, nodes or any other topology.

Hard constraints filter, soft ones score. A pod without constraints of its own is spread by the cluster's
defaults, over the pods of its Services and its controller (`DefaultSelector`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import floor, log
from typing import TYPE_CHECKING, Any

from apimachinery.labels import NOTHING, Selector
from apimachinery.objects import Object
from apimachinery.taints import NO_EXECUTE, NO_SCHEDULE, find_untolerated
from apimachinery.well_known import HOSTNAME, ZONE
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Normalize, Skip, Subject, Verdict
from scheduler.framework.normalize import IGNORED
from scheduler.node_info import NodeInfo
from scheduler.pod_counts import PodKind
from scheduler.pod_info import PodInfo, SpreadConstraint

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray, Mask

SYSTEM_DEFAULTS = (
    SpreadConstraint(3, HOSTNAME, NOTHING),
    SpreadConstraint(5, ZONE, NOTHING),
)

# The pods that a pod without constraints of its own is to be spread over; None: there is no such set.
DefaultSelector = Callable[[PodInfo], Selector | None]


@dataclass(frozen=True)
class HardConstraint:
    """A constraint with the number of its pods in each domain. Counted when a single node is looked at."""

    rule: SpreadConstraint
    kind: PodKind
    own: int  # whether the pod counts among the pods to be spread
    count: Callable[[], dict[str, int]]

    @cached_property
    def counts(self) -> dict[str, int]:
        return self.count()

    @cached_property
    def fewest(self) -> int:
        return 0 if len(self.counts) < self.rule.min_domains else min(self.counts.values(), default=0)


@dataclass(frozen=True, slots=True)
class SoftConstraint:
    """A constraint with what is needed to score: pods by row, or in each domain, and the domain's weight."""

    rule: SpreadConstraint
    by_row: array[int] | None
    by_domain: dict[str, int]
    weight: float


class PodTopologySpread:
    name = "PodTopologySpread"
    is_static = False
    normalize = Normalize.SPREAD
    NO_LABEL = Verdict(
        name,
        ("node(s) didn't match pod topology spread constraints (missing required label)",),
        is_final=True,
    )
    TOO_MANY = Verdict(name, ("node(s) didn't match pod topology spread constraints",))

    def __init__(
        self,
        default_selector: DefaultSelector,
        defaults: tuple[SpreadConstraint, ...] | None = None,
    ) -> None:
        """`defaults` None: the system's own."""
        self._default_selector = default_selector
        self._defaults = SYSTEM_DEFAULTS if defaults is None else defaults
        self.hints: Hints = {
            EventKind.NODE_ADD: self._node_counts,
            EventKind.NODE_LABEL: self._node_counts,
            EventKind.NODE_DELETE: self._node_counts,
            EventKind.NODE_TAINT: self._node_counts,
            EventKind.POD_ADD: self._pod_counts,
            EventKind.POD_DELETE: self._pod_counts,
            EventKind.POD_LABEL: self._pod_counts,
        }

    def _constraints(self, pod: PodInfo, *, hard: bool) -> list[SpreadConstraint]:
        if pod.spec.spread:
            return [
                replace(each, selector=each.selector_for(pod.labels))
                for each in pod.spec.spread
                if each.is_hard == hard
            ]
        wanted = [each for each in self._defaults if each.is_hard == hard]
        selector = self._default_selector(pod) if wanted else None
        return [] if selector is None else [replace(each, selector=selector) for each in wanted]

    # Filter

    def pre_filter(self, pod: PodInfo, cache: Cache) -> tuple[HardConstraint, ...] | Skip:
        rules = self._constraints(pod, hard=True)
        if not rules:
            return SKIP
        return tuple(self._hard(pod, rule, cache, rules) for rule in rules)

    def _hard(
        self, pod: PodInfo, rule: SpreadConstraint, cache: Cache, rules: Sequence[SpreadConstraint]
    ) -> HardConstraint:
        kind = _kind(pod, rule)

        def count() -> dict[str, int]:
            counts: dict[str, int] = {}
            by_row = cache.counts(kind)
            for node in cache.nodes:
                if _has_all(node, rules) and _takes_part(pod, rule, node):
                    domain = node.labels[rule.topology_key]
                    counts[domain] = counts.get(domain, 0) + by_row[node.row]
            return counts

        return HardConstraint(rule, kind, int(rule.selector.matches(pod.labels)), count)

    def replace_node(
        self, pod: PodInfo, state: tuple[HardConstraint, ...], old: NodeInfo, new: NodeInfo
    ) -> tuple[HardConstraint, ...]:
        rules = [each.rule for each in state]
        if not _has_all(new, rules):
            return state
        return tuple(
            _with_node(each, old, new) if _takes_part(pod, each.rule, new) else each for each in state
        )

    def filter(self, pod: PodInfo, node: NodeInfo, state: tuple[HardConstraint, ...]) -> Verdict | None:
        for each in state:
            domain = node.labels.get(each.rule.topology_key)
            if domain is None:
                return self.NO_LABEL
            if each.counts.get(domain, 0) + each.own - each.fewest > each.rule.max_skew:
                return self.TOO_MANY
        return None

    def filter_columns(self, pod: PodInfo, columns: Columns, mask: Mask) -> Mask:
        """The same for all nodes at once."""
        rules = self._constraints(pod, hard=True)
        complete: Any = columns.domains(rules[0].topology_key)[0] >= 0
        for rule in rules[1:]:
            complete = complete & (columns.domains(rule.topology_key)[0] >= 0)
        mask = mask & complete
        for rule in rules:
            ids, size = columns.domains(rule.topology_key)
            counted = complete & _taking_part(pod, rule, columns)
            sums = columns.sum_by(ids, columns.counts(_kind(pod, rule)) * counted, size)
            present = ids[counted]
            enough = len(present) and columns.distinct(present) >= rule.min_domains
            fewest = sums[present].min() if enough else 0
            own = int(rule.selector.matches(pod.labels))
            mask = mask & (sums[ids] + own - fewest <= rule.max_skew)
        return mask

    # Score

    def pre_score(
        self, pod: PodInfo, cache: Cache, nodes: list[NodeInfo]
    ) -> tuple[list[SoftConstraint], bool] | Skip:
        """The constraints, and whether nodes must have all their labels (not for the defaults)."""
        rules = self._constraints(pod, hard=False)
        if not rules:
            return SKIP
        needs_all = self._needs_all_labels(pod)
        scored = [node for node in nodes if not needs_all or _has_all(node, rules)]
        return [self._soft(pod, rule, cache, scored, rules, needs_all) for rule in rules], needs_all

    def _needs_all_labels(self, pod: PodInfo) -> bool:
        return bool(pod.spec.spread) or self._defaults is not SYSTEM_DEFAULTS

    def _soft(
        self,
        pod: PodInfo,
        rule: SpreadConstraint,
        cache: Cache,
        scored: list[NodeInfo],
        rules: list[SpreadConstraint],
        needs_all: bool,
    ) -> SoftConstraint:
        by_row = cache.counts(_kind(pod, rule))
        if rule.topology_key == HOSTNAME:
            return SoftConstraint(rule, by_row, {}, _weight(len(scored)))
        counts = dict.fromkeys((node.labels.get(rule.topology_key, "") for node in scored), 0)
        for node in cache.nodes:
            domain = node.labels.get(rule.topology_key, "")
            if domain in counts and _takes_part(pod, rule, node) and (not needs_all or _has_all(node, rules)):
                counts[domain] += by_row[node.row]
        return SoftConstraint(rule, None, counts, _weight(len(counts)))

    def score(self, pod: PodInfo, node: NodeInfo, state: tuple[list[SoftConstraint], bool]) -> int:
        constraints, needs_all = state
        if needs_all and not _has_all(node, [each.rule for each in constraints]):
            return IGNORED
        total = 0.0
        for each in constraints:
            domain = node.labels.get(each.rule.topology_key)
            if domain is not None:
                count = each.by_domain[domain] if each.by_row is None else each.by_row[node.row]
                total += count * each.weight + (each.rule.max_skew - 1)
        return floor(total + 0.5)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        """The same for all nodes at once."""
        rules = self._constraints(pod, hard=False)
        if not rules:
            return None
        needs_all = self._needs_all_labels(pod)
        domains = [columns.domains(rule.topology_key) for rule in rules]
        complete = rows >= 0
        everywhere: Any = True
        for ids, _ in domains if needs_all else ():
            complete = complete & (ids[rows] >= 0)
            everywhere = everywhere & (ids >= 0)
        total: Any = 0.0
        for rule, (ids, size) in zip(rules, domains, strict=True):
            counts = columns.counts(_kind(pod, rule))
            own = ids[rows]
            if rule.topology_key == HOSTNAME:
                found, weight = counts[rows], _weight(int(complete.sum()))
            else:
                sums = columns.sum_by(ids, counts * (everywhere & _taking_part(pod, rule, columns)), size)
                found, weight = sums[own], _weight(columns.distinct(own[complete]))
            total = total + (own >= 0) * (found * weight + (rule.max_skew - 1))
        rounded: IntArray = (total + 0.5).astype("int64")
        return rounded * complete + IGNORED * ~complete

    # Hints

    def _node_counts(self, pod: PodInfo, subject: Subject) -> bool:
        """A domain comes, goes or changes; also one that goes may have been the one with the fewest pods."""
        rules = self._constraints(pod, hard=True)
        old, new = subject.old_node, subject.node
        had, has = (node is not None and _has_all(node, rules) for node in (old, new))
        if old is None or new is None or not (had and has):
            return had or has
        moved = any(old.labels[rule.topology_key] != new.labels[rule.topology_key] for rule in rules)
        return moved or _taints(old) != _taints(new)

    def _pod_counts(self, pod: PodInfo, subject: Subject) -> bool:
        def is_meant(other: PodInfo | None, rule: SpreadConstraint) -> bool:
            return (
                other is not None and other.namespace == pod.namespace and rule.selector.matches(other.labels)
            )

        old, new = subject.old, subject.new
        return any(is_meant(old, rule) != is_meant(new, rule) for rule in self._constraints(pod, hard=True))


def _weight(domains: int) -> float:
    """Counts in few domains are higher than in many: this makes up for it."""
    return log(domains + 2)


def _has_all(node: NodeInfo, rules: Sequence[SpreadConstraint]) -> bool:
    return all(rule.topology_key in node.labels for rule in rules)


def _takes_part(pod: PodInfo, rule: SpreadConstraint, node: NodeInfo) -> bool:
    """Whether the pods on the node count."""
    if rule.honor_affinity and not pod.spec.required_nodes.matches(node.name, node.labels):
        return False
    taints = _taints(node) if rule.honor_taints else ()
    return find_untolerated(taints, pod.spec.tolerations, (NO_SCHEDULE, NO_EXECUTE)) is None


def _taints(node: NodeInfo) -> tuple[Object, ...]:
    return node.facts.taints if node.facts else ()


def _taking_part(pod: PodInfo, rule: SpreadConstraint, columns: Columns) -> Any:
    """The nodes whose pods count, as a column; True where it is all."""
    by_affinity = rule.honor_affinity and not pod.spec.required_nodes.is_everything
    if not by_affinity and not rule.honor_taints:
        return True
    key = ("taking part", pod.spec.placement, rule.honor_affinity, rule.honor_taints)
    return columns.of_nodes(
        key, lambda: columns.array([_takes_part(pod, rule, node) for node in columns.cache.nodes]) > 0
    )


def _kind(pod: PodInfo, rule: SpreadConstraint) -> PodKind:
    """The pods to be spread: none where the selector is empty, as upstream has it."""
    return PodKind(frozenset((pod.namespace,)), NOTHING if rule.selector.is_empty else rule.selector)


def _with_node(state: HardConstraint, old: NodeInfo, new: NodeInfo) -> HardConstraint:
    domain = new.labels[state.rule.topology_key]
    change = sum(map(state.kind.includes, new.pods.values())) - sum(
        map(state.kind.includes, old.pods.values())
    )
    counts = {**state.counts, domain: state.counts.get(domain, 0) + change}
    return replace(state, count=lambda: counts)
