"""Which node is best for a pod now: filter, score, pick. A decision over the cache; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

from scheduler.cache import Cache
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import States, Verdict, code_of
from scheduler.framework.profile import EligibleNodes, Profile
from scheduler.metrics import PointTimer
from scheduler.node_info import NodeInfo
from scheduler.nominator import Nominator
from scheduler.pod_info import PodInfo

if TYPE_CHECKING:
    from scheduler.columns import Columns

# From this many nodes on, numpy's arrays are worth their memory.
MANY_NODES = 50
# However few a profile is content with, so many are compared, and such a share.
MIN_FEASIBLE = 100
MIN_PERCENTAGE = 5


@dataclass(frozen=True, slots=True)
class Selected:
    """The node that was found. `scores`: plugin -> weighted scores, if nodes were compared one by one.

    `states` is for those who set something aside on it.
    """

    node: str
    evaluated: int
    feasible: int
    feasible_nodes: tuple[str, ...] = ()
    scores: Mapping[str, list[int]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    states: States = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """No node fits; `states` is for those who go on asking what if."""

    error: FitError
    states: States


@dataclass(frozen=True, slots=True)
class Feasible:
    """The nodes that fit, one at least; what is against those that were looked at, and against all others."""

    nodes: list[NodeInfo]
    verdicts: Mapping[str, Verdict]
    absent: Verdict | None
    states: States


class Selector:
    """Looks at nodes one by one while they are few, at all of them at once when they are many."""

    def __init__(
        self, cache: Cache, nominator: Nominator, random: Random, *, many_nodes: int = MANY_NODES
    ) -> None:
        self._cache = cache
        self._nominator = nominator
        self._random = random
        self._many_nodes = many_nodes
        self._columns: Columns | None = None
        self._next_turn = 0  # where the search begins if not all nodes are wanted

    @property
    def node_count(self) -> int:
        return len(self._cache.nodes)

    def select(self, pod: PodInfo, profile: Profile) -> Selected | Rejected:
        states = self._pre_filter(pod, profile)
        if isinstance(states, Verdict):
            return Rejected(FitError(self.node_count, everywhere=states), {})
        return self._nominated(pod, profile, states) or self._search(pod, profile, states)

    def feasible(self, pod: PodInfo, profile: Profile, *, nominated: bool) -> Feasible | Rejected | None:
        """All nodes that fit, for others to choose among; or its nominated node alone, if that fits."""
        states = self._pre_filter(pod, profile)
        if isinstance(states, Verdict):
            return Rejected(FitError(self.node_count, everywhere=states), {})
        if nominated:
            chosen = self._nominated(pod, profile, states)
            node = self._cache.node(chosen.node) if chosen else None
            return None if node is None else Feasible([node], {}, None, states)
        eligible = profile.eligible_nodes(pod, states)
        if isinstance(eligible, Verdict):
            return Rejected(FitError(len(self._cache.nodes), everywhere=eligible), {})
        return self._feasible(pod, profile, states, eligible)

    def _pre_filter(self, pod: PodInfo, profile: Profile) -> States | Verdict:
        with PointTimer("PreFilter", profile.name) as timer:
            states = profile.pre_filter(pod, self._cache)
            timer.status = code_of(states if isinstance(states, Verdict) else None)
            return states

    def _feasible(
        self, pod: PodInfo, profile: Profile, states: States, eligible: EligibleNodes | None
    ) -> Feasible | Rejected:
        """Of nodes that a plugin has not named it's enough to know who did not want them."""
        nodes: Sequence[NodeInfo] = self._cache.nodes
        if eligible is not None:
            nodes = [node for node in map(self._cache.node, sorted(eligible.names)) if node is not None]
        fitting, verdicts = self._filter(pod, profile, states, nodes)
        others = eligible.others() if eligible is not None else None
        if not fitting:
            return Rejected(FitError(len(self._cache.nodes), verdicts, absent=others), states)
        return Feasible(fitting, verdicts, others, states)

    def best(
        self, pod: PodInfo, profile: Profile, feasible: Feasible, scores: Mapping[str, Mapping[str, int]]
    ) -> Selected:
        """`scores` of others, who -> node -> score, are added to those of the plugins."""
        evaluated = len(feasible.nodes) + len(feasible.verdicts)
        best = self._best(pod, profile, feasible.nodes, evaluated, scores)
        return replace(best, verdicts=feasible.verdicts, states=feasible.states)

    def still_fits(self, pod: PodInfo, profile: Profile, selected: Selected) -> bool:
        """Whether the node that was selected some time ago is still there, and the pod still fits it."""
        states, node = profile.pre_filter(pod, self._cache), self._cache.node(selected.node)
        if node is None or isinstance(states, Verdict):
            return False
        return self.first_no(pod, profile, states, node) is None

    def _search(self, pod: PodInfo, profile: Profile, states: States) -> Selected | Rejected:
        eligible = profile.eligible_nodes(pod, states)
        if isinstance(eligible, Verdict):
            return Rejected(FitError(len(self._cache.nodes), everywhere=eligible), {})
        if eligible is None and len(self._cache.nodes) >= self._many_nodes:
            return self._among_many(pod, profile, states)
        return self._one_by_one(pod, profile, states, eligible)

    def _one_by_one(
        self, pod: PodInfo, profile: Profile, states: States, eligible: EligibleNodes | None = None
    ) -> Selected | Rejected:
        found = self._feasible(pod, profile, states, eligible)
        return found if isinstance(found, Rejected) else self.best(pod, profile, found, {})

    def first_no(self, pod: PodInfo, profile: Profile, states: States, node: NodeInfo) -> Verdict | None:
        """Why the pod can't go there now, minding the pods that wait for room on that node."""
        waiting = self._nominator.before(pod, node.name)
        if waiting:
            verdict = profile.filter_changed(pod, states, node, node.changed(with_=waiting))
            if verdict is not None:
                return verdict
        # Once more without them: they may never come, and the pod may rely on what only they bring.
        return profile.filter(pod, node, states)

    def _nominated(self, pod: PodInfo, profile: Profile, states: States) -> Selected | None:
        """The node that preemption has made room on, if the pod fits there now."""
        name = self._nominator.node_of(pod.uid) or pod.nominated_node
        node = self._cache.node(name) if name else None
        if node is None or self.first_no(pod, profile, states, node) is not None:
            return None
        return Selected(node.name, evaluated=1, feasible=1, feasible_nodes=(node.name,), states=states)

    def _filter(
        self, pod: PodInfo, profile: Profile, states: States, nodes: Sequence[NodeInfo]
    ) -> tuple[list[NodeInfo], dict[str, Verdict]]:
        """The nodes that fit, and what is against the others."""
        verdicts: dict[str, Verdict] = {}
        fitting = []
        with PointTimer("Filter", profile.name):
            for node in nodes:
                verdict = self.first_no(pod, profile, states, node)
                if verdict is None:
                    fitting.append(node)
                else:
                    verdicts[node.name] = verdict
        return fitting, verdicts

    def _best(
        self,
        pod: PodInfo,
        profile: Profile,
        fitting: list[NodeInfo],
        evaluated: int,
        others: Mapping[str, Mapping[str, int]],
    ) -> Selected:
        names = tuple(node.name for node in fitting)
        if len(fitting) == 1:
            return Selected(names[0], evaluated, 1, names)
        with PointTimer("Score", profile.name):
            scores = profile.score(pod, self._cache, fitting)
        scores |= {who: [given.get(name, 0) for name in names] for who, given in others.items()}
        totals = [sum(column) for column in zip(*scores.values(), strict=True)] or [0] * len(fitting)
        highest = max(totals)
        best = [index for index, total in enumerate(totals) if total == highest]
        return Selected(names[self._pick(best)], evaluated, len(fitting), names, scores)

    def _pick(self, candidates: Sequence[Any]) -> int:
        """Any one of the best: always taking the first would pile pods on it."""
        return int(
            candidates[self._random.randrange(len(candidates))] if len(candidates) > 1 else candidates[0]
        )

    def _among_many(self, pod: PodInfo, profile: Profile, states: States) -> Selected | Rejected:
        nodes, columns = self._cache.nodes, self._refreshed_columns()
        with PointTimer("Filter", profile.name):
            rows = columns.fitting(pod, profile, states)
        for name in self._nominator.nodes:
            node = self._cache.node(name)
            if node is not None and self.first_no(pod, profile, states, node) is not None:
                rows = rows[rows != node.row]
        if not len(rows):
            return self._one_by_one(pod, profile, states)  # for the reasons
        if len(rows) == 1:
            return Selected(nodes[rows[0]].name, len(nodes), 1, states=states)
        enough = enough_nodes(profile.percentage, len(nodes))
        rows, self._next_turn = columns.some(rows, self._next_turn, enough)
        with PointTimer("Score", profile.name):
            scores = columns.scores(pod, profile, rows)
        best = rows[scores == scores.max()]
        return Selected(nodes[self._pick(best)].name, len(nodes), len(rows), states=states)

    def _refreshed_columns(self) -> Columns:
        if self._columns is None:
            from scheduler.columns import Columns  # here, as numpy costs memory

            self._columns = Columns(self._cache)
        self._columns.refresh()
        return self._columns


def enough_nodes(percentage: int, nodes: int) -> int:
    """How many nodes that fit are enough to choose the best of: by default the fewer the more there are.

    Source: numFeasibleNodesToFind of pkg/scheduler/schedule_one.go.
    """
    percentage = percentage or max(50 - nodes // 125, MIN_PERCENTAGE)
    return max(nodes * percentage // 100, min(MIN_FEASIBLE, nodes))
