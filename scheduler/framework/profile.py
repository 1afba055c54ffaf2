"""Profile: the plugins that schedule the pods of one schedulerName, sorted by extension point."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from scheduler.cache import Cache
from scheduler.framework.binding_points import BindingPoints
from scheduler.framework.interface import (
    SKIP,
    ColumnsFilterPlugin,
    ColumnsScorePlugin,
    EventKind,
    FilterPlugin,
    Hint,
    NodeNamingPlugin,
    Plugin,
    PostFilterPlugin,
    PreEnqueuePlugin,
    PreFilterPlugin,
    PreScorePlugin,
    QueueSortPlugin,
    ScorePlugin,
    States,
    Subject,
    Verdict,
)
from scheduler.framework.normalize import normalize
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

if TYPE_CHECKING:
    from scheduler.columns import Columns, IntArray, Mask

log = logging.getLogger(__name__)


class Scorer(NamedTuple):
    """A plugin that scores, with its weight and what else it offers (asking a Protocol takes long)."""

    plugin: ScorePlugin
    weight: int
    pre_score: Callable[[PodInfo, Cache, list[NodeInfo]], Any] | None
    score_columns: Callable[[PodInfo, Columns, IntArray], IntArray | None] | None

    @staticmethod
    def of(plugin: ScorePlugin, weight: int) -> Scorer:
        return Scorer(
            plugin,
            weight,
            plugin.pre_score if isinstance(plugin, PreScorePlugin) else None,
            plugin.score_columns if isinstance(plugin, ColumnsScorePlugin) else None,
        )


class EligibleNodes(NamedTuple):
    """The only nodes that can do, and the plugins that say so."""

    names: frozenset[str]
    plugins: tuple[str, ...]

    def others(self) -> Verdict:
        """What is said of all other nodes."""
        return self._refused(f"node(s) didn't satisfy plugin(s) [{' '.join(self.plugins)}]")

    def nobody(self) -> Verdict:
        """What is said where no node satisfies all of the plugins."""
        if len(self.plugins) == 1:
            return self._refused(f"node(s) didn't satisfy plugin {self.plugins[0]}")
        return self._refused(f"node(s) didn't satisfy plugin(s) [{' '.join(self.plugins)}] simultaneously")

    def _refused(self, reason: str) -> Verdict:
        return Verdict(self.plugins[0], (reason,), is_final=True)


FastWay = Callable[[PodInfo, "Columns", "Mask"], "Mask"]


def _fast_way(plugin: FilterPlugin) -> FastWay | None:
    return plugin.filter_columns if isinstance(plugin, ColumnsFilterPlugin) else None


class Profile:
    """Runs plugins over one node at a time; `columns` does the same over all nodes at once."""

    def __init__(
        self,
        name: str,
        plugins: Mapping[str, Plugin],
        points: Mapping[str, Sequence[str]],
        weights: Mapping[str, int],
        *,
        percentage: int = 0,
        min_candidates: tuple[int, int] = (10, 100),
    ) -> None:
        """`points`: extension point -> plugins in order; whoever filters does its preFilter before.

        `percentage` of the nodes is enough to choose among; 0: as many as usual. `min_candidates`: of the
        nodes that preemption may help on, how many are tried: so many in a hundred, and how many at least.
        """
        self.name = name
        self.plugins = plugins
        self.percentage = percentage
        self.min_candidates = min_candidates

        def at(point: str) -> list[Plugin]:
            return [plugins[each] for each in points[point] if each in plugins]

        self.filters = [each for each in at("filter") if isinstance(each, FilterPlugin)]
        pre_filters = dict.fromkeys((*points["preFilter"], *points["filter"]))
        named = [plugins[each] for each in pre_filters]
        self.pre_filters = [each for each in named if isinstance(each, PreFilterPlugin)]
        scorers = [each for each in at("score") if isinstance(each, ScorePlugin)]
        self.scorers = [Scorer.of(each, weights[each.name]) for each in scorers]
        self._naming = [each for each in named if isinstance(each, NodeNamingPlugin)]
        self._pre_enqueue = [each for each in at("preEnqueue") if isinstance(each, PreEnqueuePlugin)]
        self.post_filters = {name: self._post_filter(name) for name in points["postFilter"]}
        sorting = [each.sort_key for each in at("queueSort") if isinstance(each, QueueSortPlugin)]
        self.sort_key = sorting[0] if sorting else None  # None: by priority, the scheduler's own
        self.binding = BindingPoints(plugins, points)
        self.static_filters = [each for each in self.filters if each.is_static]
        self.dynamic_filters = [(each, _fast_way(each)) for each in self.filters if not each.is_static]
        self._hints = {each.name: each.hints for each in plugins.values()}

    def _post_filter(self, name: str) -> PostFilterPlugin | None:
        """None is preemption, which is the scheduler's own."""
        plugin = self.plugins.get(name)
        return plugin if isinstance(plugin, PostFilterPlugin) else None

    def pre_filter(self, pod: PodInfo, cache: Cache) -> States | Verdict:
        """The states for `filter`, or the no of a plugin that rejects the pod whatever the node."""
        states: States = {}
        for plugin in self.pre_filters:
            state = plugin.pre_filter(pod, cache)
            if isinstance(state, Verdict):
                return state
            states[plugin.name] = state
        return states

    def eligible_nodes(self, pod: PodInfo, states: States) -> EligibleNodes | Verdict | None:
        """None if it may be any; a Verdict if it can be none."""
        named: dict[str, frozenset[str]] = {}
        for plugin in self._naming:
            state = states.get(plugin.name)
            nodes = plugin.eligible_nodes(pod, state) if state is not SKIP else None
            if isinstance(nodes, Verdict):
                return nodes
            if nodes is not None:
                named[plugin.name] = nodes
        if not named:
            return None
        eligible = EligibleNodes(frozenset.intersection(*named.values()), tuple(sorted(named)))
        return eligible if eligible.names else eligible.nobody()

    def filter(self, pod: PodInfo, node: NodeInfo, states: States) -> Verdict | None:
        """The first no; upstream stops there too."""
        for plugin in self.filters:
            state = states.get(plugin.name)
            if state is SKIP:
                continue
            verdict = plugin.filter(pod, node, state)
            if verdict is not None:
                return verdict
        return None

    def filter_changed(self, pod: PodInfo, states: States, old: NodeInfo, new: NodeInfo) -> Verdict | None:
        """The first no if the node were changed as `new` has it."""
        changed = dict(states)
        for plugin in self.pre_filters:
            if states[plugin.name] is not SKIP:
                changed[plugin.name] = plugin.replace_node(pod, states[plugin.name], old, new)
        return self.filter(pod, new, changed)

    def verdicts(self, pod: PodInfo, node: NodeInfo, states: States) -> dict[str, Verdict | None]:
        """What every filter says, for those who ask why."""
        return {
            plugin.name: plugin.filter(pod, node, states.get(plugin.name))
            for plugin in self.filters
            if states.get(plugin.name) is not SKIP
        }

    def score(self, pod: PodInfo, cache: Cache, nodes: list[NodeInfo]) -> dict[str, list[int]]:
        """plugin -> normalized and weighted score of each node."""
        found: dict[str, list[int]] = {}
        for plugin, weight, pre_score, _ in self.scorers:
            state = pre_score(pod, cache, nodes) if pre_score else None
            if state is SKIP:
                continue
            raw = [plugin.score(pod, node, state) for node in nodes]
            found[plugin.name] = [weight * score for score in normalize(plugin.normalize, raw)]
        return found

    def held_back_by(self, pod: PodInfo) -> str:
        """The plugin that wants the pod not to be tried at all, or breaks over it; "" if none does."""
        for plugin in self._pre_enqueue:
            try:
                if plugin.pre_enqueue(pod) is None:
                    continue
            except Exception:  # of a plugin of one's own: the pod must not be lost
                log.exception("PreEnqueue failed: plugin=%s pod=%s", plugin.name, pod.key)
            return plugin.name
        return ""

    def may_help(
        self, pod: PodInfo, rejected_by: Iterable[str], kinds: Iterable[EventKind], subject: Subject
    ) -> bool:
        """Whether one of the plugins that rejected the pod thinks an event may change that."""
        kinds = tuple(kinds)
        for name in rejected_by:
            hints: Mapping[EventKind, Hint] | None = self._hints.get(name)
            if hints is None:  # extenders, or preemption: nobody knows what would help
                return True
            for kind in kinds:
                hint = hints.get(kind)
                try:
                    if hint is not None and hint(pod, subject):
                        return True
                except Exception:  # of a plugin of one's own: others are still to be woken
                    log.exception("Hint failed: plugin=%s pod=%s", name, pod.key)
                    return True
        return False
