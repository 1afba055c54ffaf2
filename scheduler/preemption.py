"""DefaultPreemption: which pods of lower priority would have to go for a pod to fit, and on which node.

A plan over the cache: nothing is deleted here. The node becomes the pod's nominated node; the pod is tried
again once its victims are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from apimachinery.conditions import condition_of
from apimachinery.labels import Selector, SelectorError, selector_from_label_selector
from apimachinery.objects import Object, get_path, namespace_of
from scheduler.cache import Cache
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import States, Verdict
from scheduler.framework.profile import Profile
from scheduler.node_info import NodeInfo
from scheduler.nominator import Nominator
from scheduler.pod_info import NOT_STARTED, PodInfo

NAME = "DefaultPreemption"
PREEMPTED_BY_SCHEDULER = "PreemptionByScheduler"

_NOT_HELPFUL = Verdict(NAME, ("Preemption is not helpful for scheduling",), is_final=True)
_NO_VICTIMS = Verdict(NAME, ("No preemption victims found for incoming pod",), is_final=True)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that would do without some pods."""

    node: str
    victims: tuple[PodInfo, ...]  # most important first
    violations: int  # how many of the victims overdraw a disruption budget


@dataclass(frozen=True, slots=True)
class PreemptionPlan:
    """What came of it. `candidate` None: nothing to be done, and `message` says why.

    `keeps_nomination`: the pod is still waiting for victims it chose before.
    """

    candidate: Candidate | None = None
    message: str = ""
    keeps_nomination: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """A PodDisruptionBudget: how many of its pods may go."""

    namespace: str
    selector: Selector
    allowed: int
    disrupted: frozenset[str]


class Preemption:
    def __init__(
        self,
        cache: Cache,
        nominator: Nominator,
        random: Random,
        budgets: Callable[[], list[Object]] = list,
    ) -> None:
        self._cache = cache
        self._nominator = nominator
        self._random = random
        self._budgets = budgets

    def plan(self, pod: PodInfo, profile: Profile, error: FitError, states: States) -> PreemptionPlan:
        found = self.candidates(pod, profile, error, states)
        return found if isinstance(found, PreemptionPlan) else PreemptionPlan(pick_one(found))

    def candidates(
        self, pod: PodInfo, profile: Profile, error: FitError, states: States
    ) -> list[Candidate] | PreemptionPlan:
        """One at least, for the best to be picked; or the plan to do nothing."""
        if why := self._why_not(pod, error):
            return PreemptionPlan(message=f"preemption: {why}", keeps_nomination=True)
        potential = self._potential(error)
        verdicts: dict[str, Verdict] = {}
        candidates = self._candidates(pod, profile, states, potential, verdicts)
        if candidates:
            return candidates
        found_nothing = FitError(error.node_count, verdicts, absent=_NOT_HELPFUL)
        return PreemptionPlan(message=f"preemption: {found_nothing.message()}")

    def _why_not(self, pod: PodInfo, error: FitError) -> str:
        """Why the pod may not preempt others now."""
        if not pod.can_preempt:
            return "not eligible due to preemptionPolicy=Never."
        nominated = self._nominator.node_of(pod.uid) or pod.nominated_node
        node = self._cache.node(nominated) if nominated else None
        verdict = error.verdict(nominated) if nominated else None
        if node is None or (verdict is not None and verdict.is_final):
            return ""
        if any(each.priority < pod.priority and _is_being_preempted(each) for each in node.pods.values()):
            return "not eligible due to a terminating pod on the nominated node."
        return ""

    def _potential(self, error: FitError) -> list[NodeInfo]:
        """Nodes where the absence of pods could help, from a random one on: the search may end early."""
        if error.everywhere is not None:
            return []
        verdicts = error.verdicts
        nodes = [
            node
            for node in self._cache.nodes
            if (verdict := verdicts.get(node.name)) is not None and not verdict.is_final
        ]
        start = self._random.randrange(len(nodes)) if nodes else 0
        return nodes[start:] + nodes[:start]

    def _candidates(
        self,
        pod: PodInfo,
        profile: Profile,
        states: States,
        nodes: Sequence[NodeInfo],
        verdicts: dict[str, Verdict],
    ) -> list[Candidate]:
        percent, at_least = profile.min_candidates
        enough = max(len(nodes) * percent // 100, at_least)
        budgets = [_parse_budget(each) for each in self._budgets()] if nodes else []
        found: list[Candidate] = []
        harmless = False  # without a node where no budget is overdrawn the search goes on
        for node in nodes:
            outcome = self._select_victims(pod, profile, states, node, budgets)
            if isinstance(outcome, Verdict):
                verdicts[node.name] = outcome
                continue
            if not outcome.victims:  # it would not have been refused
                continue
            found.append(outcome)
            harmless = harmless or not outcome.violations
            if harmless and len(found) >= enough:
                break
        return found

    def _select_victims(
        self, pod: PodInfo, profile: Profile, states: States, node: NodeInfo, budgets: Sequence[Budget]
    ) -> Candidate | Verdict:
        """Takes all pods of lower priority away, then lets back in as many as the pod leaves room for."""
        lower = sorted((each for each in node.pods.values() if each.priority < pod.priority), key=importance)
        if not lower:
            return _NO_VICTIMS
        waiting = self._nominator.before(pod, node.name)

        def verdict_without(gone: Sequence[PodInfo]) -> Verdict | None:
            verdict = None
            if waiting:
                changed = node.changed(without=gone, with_=waiting)
                verdict = profile.filter_changed(pod, states, node, changed)
            # Once more without those that wait: they may never come.
            return verdict or profile.filter_changed(pod, states, node, node.changed(without=gone))

        verdict = verdict_without(lower)
        if verdict is not None:
            return verdict
        violating, others = split_by_budget(lower, budgets)
        victims = list(lower)
        for each in (*violating, *others):
            rest = [victim for victim in victims if victim is not each]
            if verdict_without(rest) is None:
                victims = rest
        overdrawing = {each.uid for each in violating}
        return Candidate(node.name, tuple(victims), sum(each.uid in overdrawing for each in victims))


def importance(pod: PodInfo) -> tuple[int, str]:
    """Sorts the most important pod first: by priority, then by who has run longer."""
    return (-pod.priority, pod.start_time)


def pick_one(candidates: Sequence[Candidate]) -> Candidate:
    """Upstream's order: fewest violated budgets, lowest top priority, lowest sum, fewest pods, latest start.

    The first of equals: which node is looked at first is random already.
    """

    def harm(candidate: Candidate) -> tuple[int, int, int, int]:
        priorities = [victim.priority for victim in candidate.victims]
        # Priorities may be negative: shifted, so that more victims are never better.
        total = sum(priority + 2**31 for priority in priorities)
        return (candidate.violations, max(priorities, default=-(2**31)), total, len(priorities))

    least = min(map(harm, candidates))
    best = [each for each in candidates if harm(each) == least]
    return max(best, key=_earliest_start_of_most_important)


def _earliest_start_of_most_important(candidate: Candidate) -> str:
    if not candidate.victims:
        return NOT_STARTED
    highest = max(victim.priority for victim in candidate.victims)
    return min(victim.start_time for victim in candidate.victims if victim.priority == highest)


def split_by_budget(
    pods: Sequence[PodInfo], budgets: Sequence[Budget]
) -> tuple[list[PodInfo], list[PodInfo]]:
    """(pods whose eviction would overdraw a budget, the others), both in the given order."""
    left = [budget.allowed for budget in budgets]
    violating: list[PodInfo] = []
    others: list[PodInfo] = []
    for pod in pods:
        overdrawn = False
        for index, budget in enumerate(budgets):
            if not _is_covered(pod, budget):
                continue
            left[index] -= 1
            overdrawn = overdrawn or left[index] < 0
        (violating if overdrawn else others).append(pod)
    return violating, others


def _is_covered(pod: PodInfo, budget: Budget) -> bool:
    return (
        bool(pod.labels)
        and budget.namespace == pod.namespace
        and not budget.selector.is_empty
        and budget.selector.matches(pod.labels)
        and pod.key.name not in budget.disrupted
    )


def _parse_budget(budget: Object) -> Budget:
    try:
        selector = selector_from_label_selector(get_path(budget, "spec.selector"))
    except SelectorError:
        selector = Selector(nothing=True)
    allowed = get_path(budget, "status.disruptionsAllowed", 0)
    disrupted = frozenset(get_path(budget, "status.disruptedPods", {}))
    return Budget(namespace_of(budget), selector, allowed, disrupted)


def _is_being_preempted(pod: PodInfo) -> bool:
    if not pod.is_terminating:
        return False
    condition = condition_of(pod.pod, "DisruptionTarget")
    return (
        condition is not None
        and condition.get("status") == "True"
        and condition.get("reason") == PREEMPTED_BY_SCHEDULER
    )
