"""What plugins do with their args."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apimachinery.objects import Object
from scheduler.config import parse_configuration
from scheduler.framework.profile import Profile
from scheduler.plugins.resource_rates import LeastAllocated, MostAllocated, Rate, RequestedToCapacityRatio
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.selection import Rejected
from tests.unit.scheduler.builders import HEAD, make_cache, make_node, make_pod, make_profile, make_selector

REQUIRED, PREFERRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred"))


def profile_with(cache: Any, plugin: str, args: Object) -> Profile:
    profiles = [{"pluginConfig": [{"name": plugin, "args": args}]}]
    return make_profile(cache, parse_configuration({**HEAD, "profiles": profiles}).profiles[0])


def labelled(value: str) -> Object:
    return {"matchExpressions": [{"key": "disk", "operator": "In", "values": [value]}]}


def test_added_affinity_holds_for_every_pod() -> None:
    added = {"addedAffinity": {REQUIRED: {"nodeSelectorTerms": [labelled("ssd")]}}}
    cache = make_cache([make_node("a", labels={"disk": "hdd"}), make_node("b", labels={"disk": "ssd"})])
    profile = profile_with(cache, "NodeAffinity", added)
    picky = parse_pod(make_pod("p", nodeSelector={"disk": "hdd"}))
    outcome = make_selector(cache).select(picky, profile)
    assert isinstance(outcome, Rejected)
    assert outcome.error.message() == (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "1 node(s) didn't match scheduler-enforced node affinity."
    )


def scores(
    plugin: str, args: Object, nodes: list[Object], pod: Object, others: tuple[Object, ...] = ()
) -> Any:
    cache = make_cache(nodes, others)
    found = profile_with(cache, plugin, args).score(parse_pod(pod), cache, cache.nodes)
    return found.get(plugin)


def test_added_preferences_count_for_every_pod() -> None:
    added = {"addedAffinity": {PREFERRED: [{"weight": 5, "preference": labelled("ssd")}]}}
    nodes = [make_node("a"), make_node("b", labels={"disk": "ssd"})]
    assert scores("NodeAffinity", added, nodes, make_pod("p")) == [0, 200]


@pytest.mark.parametrize(
    "args",
    [{"ignoredResources": ["example.com/gpu"]}, {"ignoredResourceGroups": ["example.com"]}],
    ids=["by name", "by group"],
)
@pytest.mark.parametrize("many_nodes", [50, 0], ids=["one by one", "all at once"])
def test_of_ignored_resources_there_is_enough(args: Object, many_nodes: int) -> None:
    cache = make_cache([make_node("a", cpu="1")])
    profile = profile_with(cache, "NodeResourcesFit", args)

    def asking(**requests: str) -> PodInfo:
        containers = [{"name": "c", "resources": {"requests": {"example.com/gpu": "1", **requests}}}]
        return parse_pod(make_pod("p", containers=containers))

    selector = make_selector(cache, many_nodes=many_nodes)
    assert not isinstance(selector.select(asking(), profile), Rejected)
    outcome = selector.select(asking(cpu="2"), profile)
    assert isinstance(outcome, Rejected)
    assert outcome.error.message() == "0/1 nodes are available: 1 Insufficient cpu."


RATIO = RequestedToCapacityRatio([(20, 0), (60, 10), (100, 5)])


@pytest.mark.parametrize(
    ("rate", "used", "allocatable", "wanted"),
    [
        (LeastAllocated(), 30, 100, 70), (LeastAllocated(), 130, 100, 0), (LeastAllocated(), 1, 3, 66),
        (MostAllocated(), 30, 100, 30), (MostAllocated(), 130, 100, 100), (MostAllocated(), 1, 3, 33),
        (RATIO, 10, 100, 0), (RATIO, 30, 100, 25), (RATIO, 60, 100, 100), (RATIO, 61, 100, 99),
        (RATIO, 130, 100, 50),
    ],
)  # fmt: skip
def test_a_resource_is_rated_by_its_use(rate: Rate, used: int, allocatable: int, wanted: int) -> None:
    assert rate.rate(used, allocatable) == wanted
    columns = [np.array([value, 0], dtype=np.int64) for value in (used, allocatable)]
    rated = rate.rate_columns(*columns, columns[1].clip(1))
    assert rated.tolist() == [wanted, 0]


def strategy(kind: str, *resources: tuple[str, int], **more: Any) -> Object:
    told = [{"name": name, "weight": weight} for name, weight in resources]
    return {"scoringStrategy": {"type": kind, "resources": told, **more}}


SHAPE = {"shape": [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]}


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        pytest.param({}, [74], id="the default"),
        pytest.param(strategy("MostAllocated"), [25], id="most"),
        pytest.param(strategy("MostAllocated", ("cpu", 3), ("memory", 1)), [37], id="cpu counts more"),
        pytest.param(
            strategy("RequestedToCapacityRatio", ("cpu", 1), ("memory", 1), requestedToCapacityRatio=SHAPE),
            [50], id="what is rated 0 does not count",
        ),
        pytest.param(
            strategy("LeastAllocated", ("cpu", 1), ("example.com/gpu", 1)), [50],
            id="a device the pod does not ask for",
        ),
    ],
)  # fmt: skip
def test_nodes_are_scored_by_the_strategy(args: Object, wanted: list[int]) -> None:
    pod = make_pod("p", cpu="2", memory="1")  # of 4 and of 8Gi
    assert scores("NodeResourcesFit", args, [make_node("a")], pod) == wanted


def test_balance_is_over_the_resources_that_the_pod_asks_for() -> None:
    args = {"resources": [{"name": each} for each in ("cpu", "memory", "example.com/gpu")]}
    node = make_node("a")
    node["status"]["allocatable"]["example.com/gpu"] = "2"
    asks = {"cpu": "4", "memory": "4Gi", "example.com/gpu": "1"}
    pod = make_pod("p", containers=[{"name": "c", "resources": {"requests": asks}}])
    # Shares of 1, 0.5 and 0.5: a deviation of 0.2357.
    assert scores("NodeResourcesBalancedAllocation", args, [node], pod) == [76]
    del asks["example.com/gpu"]
    assert scores("NodeResourcesBalancedAllocation", args, [node], pod) == [75]


NEAR = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}


@pytest.mark.parametrize(
    ("args", "term", "wanted"),
    [
        pytest.param({}, {REQUIRED: [NEAR]}, [200, 0], id="the default"),
        pytest.param({"hardPodAffinityWeight": 0}, {REQUIRED: [NEAR]}, None, id="no weight"),
        pytest.param(
            {"ignorePreferredTermsOfExistingPods": True},
            {PREFERRED: [{"weight": 1, "podAffinityTerm": NEAR}]}, None, id="what others prefer is ignored",
        ),
    ],
)  # fmt: skip
def test_affinity_of_pods_that_run_is_weighed(args: Object, term: Object, wanted: list[int] | None) -> None:
    nodes, friend = [make_node("a"), make_node("b")], make_pod("q", node="a", affinity={"podAffinity": term})
    assert scores("InterPodAffinity", args, nodes, make_pod("p", labels={"app": "x"}), (friend,)) == wanted
