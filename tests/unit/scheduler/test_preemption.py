"""Preemption: who has to go, on which node, and what is said when nobody can."""

from __future__ import annotations

from random import Random

import pytest

from apimachinery.objects import Object
from scheduler.config import ProfileConfig
from scheduler.nominator import Nominator
from scheduler.plugin_args import PluginArgs
from scheduler.pod_info import parse_pod
from scheduler.preemption import Candidate, Preemption, PreemptionPlan, pick_one
from scheduler.selection import Rejected
from tests.unit.scheduler.builders import make_cache, make_node, make_pod, make_profile, make_selector

BUDGET = {
    "metadata": {"name": "b", "namespace": "default"},
    "spec": {"selector": {"matchLabels": {"app": "kept"}}},
    "status": {"disruptionsAllowed": 0},
}


def plan(
    nodes: list[Object],
    pods: list[Object],
    pod: Object,
    budgets: list[Object] | None = None,
    config: ProfileConfig | None = None,
) -> PreemptionPlan:
    cache, nominator = make_cache(nodes, pods), Nominator()
    profile, wanted = make_profile(cache, config), parse_pod(pod)
    outcome = make_selector(cache, nominator=nominator).select(wanted, profile)
    assert isinstance(outcome, Rejected)
    preemption = Preemption(cache, nominator, Random(0), lambda: budgets or [])
    return preemption.plan(wanted, profile, outcome.error, outcome.states)


def chosen(found: PreemptionPlan) -> tuple[str, list[str]]:
    assert found.candidate is not None
    return found.candidate.node, [victim.key.name for victim in found.candidate.victims]


def test_only_as_many_pods_go_as_needed_least_important_first() -> None:
    pods = [
        make_pod("low", node="a", cpu="1", priority=1),
        make_pod("lower", node="a", cpu="1", priority=0),
        make_pod("high", node="a", cpu="2", priority=100),
    ]
    assert chosen(plan([make_node("a")], pods, make_pod("p", cpu="1", priority=50))) == ("a", ["lower"])


def test_the_node_with_the_least_important_victims_is_chosen() -> None:
    nodes = [make_node("a", cpu="1"), make_node("b", cpu="1")]
    pods = [
        make_pod("five", node="a", cpu="1", priority=5),
        make_pod("two", node="b", cpu="1", priority=2),
    ]
    assert chosen(plan(nodes, pods, make_pod("p", cpu="1", priority=10))) == ("b", ["two"])


def test_pods_of_a_budget_are_spared_where_others_will_do() -> None:
    pods = [
        make_pod("kept", node="a", cpu="2", labels={"app": "kept"}),
        make_pod("other", node="a", cpu="2"),
    ]
    found = plan([make_node("a")], pods, make_pod("p", cpu="2", priority=10), [BUDGET])
    assert chosen(found) == ("a", ["other"])


def test_a_host_port_is_freed_by_preemption() -> None:
    pods = [make_pod("taker", node="a", host_port=80), make_pod("other", node="a")]
    found = plan([make_node("a")], pods, make_pod("p", host_port=80, priority=1))
    assert chosen(found) == ("a", ["taker"])


def test_who_is_no_help_but_for_one_that_may_never_come_is_not_chosen() -> None:
    """The friend is nominated to the node, not on it: without it the preemptor may not be there."""
    term = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}
    near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    friend = make_pod("friend", labels={"app": "x"}, priority=9)
    cache, nominator = make_cache([make_node("a", cpu="1")], [make_pod("q", node="a", cpu="1")]), Nominator()
    nominator.add(parse_pod(friend), "a")
    profile, pod = make_profile(cache), parse_pod(make_pod("p", cpu="1", priority=9, affinity=near))
    outcome = make_selector(cache, nominator=nominator).select(pod, profile)
    assert isinstance(outcome, Rejected)
    found = Preemption(cache, nominator, Random(0)).plan(pod, profile, outcome.error, outcome.states)
    assert found.candidate is None


def test_a_pod_that_has_not_started_goes_before_one_that_runs() -> None:
    waits = make_pod(
        "waits", node="a", cpu="2", started="", metadata={"creationTimestamp": "2025-01-01T00:00:00Z"}
    )
    runs = make_pod("runs", node="a", cpu="2", started="2026-01-01T00:00:00Z")
    assert chosen(plan([make_node("a")], [waits, runs], make_pod("p", cpu="2", priority=1))) == (
        "a",
        ["waits"],
    )


def test_anti_affinity_of_a_victim_no_longer_counts() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}
    lonely = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    pods = [make_pod("lonely", node="a", affinity=lonely)]
    found = plan([make_node("a")], pods, make_pod("p", labels={"app": "x"}, priority=1))
    assert chosen(found) == ("a", ["lonely"])


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        pytest.param(
            make_pod("p", cpu="2"),
            "preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, "
            "1 Preemption is not helpful for scheduling.",
            id="nobody is less important",
        ),
        pytest.param(
            make_pod("p", cpu="2", priority=1, preemptionPolicy="Never"),
            "preemption: not eligible due to preemptionPolicy=Never.",
            id="the pod does not preempt",
        ),
        pytest.param(
            make_pod("p", cpu="200", priority=1),
            "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
            id="no node is large enough",
        ),
    ],
)
def test_when_preemption_does_not_help_it_says_so(pod: Object, message: str) -> None:
    nodes = [make_node("a", cpu="2"), make_node("b", unschedulable=True)]
    found = plan(nodes, [make_pod("q", node="a", cpu="1")], pod)
    assert (found.candidate, found.message) == (None, message)


def test_the_search_goes_on_while_every_node_found_would_overdraw_a_budget() -> None:
    """However few nodes are to be tried."""
    nodes = [make_node(name, cpu="1") for name in "abcdef"]
    kept = {"labels": {"app": "kept"}}
    pods = [make_pod(f"on-{name}", node=name, cpu="1", **({} if name == "d" else kept)) for name in "abcdef"]
    args = PluginArgs(min_candidates_percent=1, min_candidates=1)
    found = plan(nodes, pods, make_pod("p", cpu="1", priority=1), [BUDGET], ProfileConfig(args=args))
    assert chosen(found) == ("d", ["on-d"])


def candidate(name: str, *priorities: int, violations: int = 0, started: str = "2026-01-01") -> Candidate:
    victims = (parse_pod(make_pod(f"v{p}", priority=p, started=started)) for p in priorities)
    return Candidate(name, tuple(victims), violations)


@pytest.mark.parametrize(
    "candidates",
    [
        pytest.param([candidate("worse", 1, violations=1), candidate("best", 5)], id="fewest violations"),
        pytest.param([candidate("worse", 5), candidate("best", 3, 3, 3)], id="lowest top priority"),
        pytest.param([candidate("worse", 5, 5), candidate("best", 5, 4)], id="lowest sum"),
        pytest.param([candidate("worse", 5, -(2**31)), candidate("best", 5)], id="fewest pods"),
        pytest.param([candidate("worse", 5), candidate("best", 5, started="2026-01-02")], id="latest start"),
    ],
)
def test_the_candidate_that_does_the_least_harm_is_picked(candidates: list[Candidate]) -> None:
    assert pick_one(candidates).node == "best"
    assert pick_one(candidates[::-1]).node == "best"
