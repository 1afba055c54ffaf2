"""All nodes at once must answer as one by one does."""

from __future__ import annotations

from random import Random

import pytest

from apimachinery.labels import Selector, selector_from_map
from apimachinery.objects import Object
from scheduler.columns import Columns
from scheduler.config import ProfileConfig
from scheduler.framework.interface import Verdict
from scheduler.node_info import parse_node
from scheduler.plugin_args import PluginArgs, ScoringStrategy
from scheduler.pod_info import PodInfo, parse_pod
from tests.unit.scheduler.builders import make_cache, make_node, make_pod, make_profile

TAINTS = [
    {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"},
    {"key": "spot", "value": "", "effect": "PreferNoSchedule"},
]
PREFERRED, REQUIRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("preferred", "required"))
APPS = ("a", "b", "c")
RESOURCES = (("cpu", 2), ("memory", 1), ("ephemeral-storage", 1), ("example.com/gpu", 3))
ARGS = (
    PluginArgs(),
    PluginArgs(scoring=ScoringStrategy("MostAllocated", RESOURCES), balanced_resources=("cpu", "pods")),
    PluginArgs(scoring=ScoringStrategy("LeastAllocated", RESOURCES), hard_affinity_weight=7),
    PluginArgs(scoring=ScoringStrategy("RequestedToCapacityRatio", RESOURCES, ((10, 10), (70, 3), (90, 0)))),
)


def random_node(rng: Random, number: int) -> Object:
    labels = {"disk": rng.choice(("ssd", "hdd"))}
    if rng.random() < 0.8:
        labels["topology.kubernetes.io/zone"] = rng.choice("xyz")
    return make_node(
        f"n{number}",
        cpu=rng.choice(("2", "4", "8")),
        memory=rng.choice(("4Gi", "8Gi")),
        pods=rng.choice(("5", "110")),
        labels=labels,
        taints=[taint for taint in TAINTS if rng.random() < 0.15],
        unschedulable=rng.random() < 0.1,
        images={"big:1": 700 << 20} if rng.random() < 0.3 else {},
    )


def random_pod(rng: Random, number: int, node: str = "") -> Object:
    spec: Object = {}
    app = rng.choice(APPS)
    term = {
        "labelSelector": {"matchLabels": {"app": rng.choice(APPS)}},
        "topologyKey": rng.choice(("kubernetes.io/hostname", "topology.kubernetes.io/zone")),
    }
    kind = rng.randrange(9)
    if kind == 0:
        spec["nodeSelector"] = {"disk": "ssd"}
    elif kind == 1:
        spec["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
    elif kind == 2:
        expression = {"key": "disk", "operator": "In", "values": ["ssd"]}
        preference = {"weight": 10, "preference": {"matchExpressions": [expression]}}
        spec["affinity"] = {"nodeAffinity": {PREFERRED: [preference]}}
    elif kind == 3:
        hard = rng.choice(("DoNotSchedule", "ScheduleAnyway"))
        domains = {"minDomains": rng.choice((1, 4))} if hard == "DoNotSchedule" else {}
        taints = {"nodeTaintsPolicy": rng.choice(("Honor", "Ignore"))}
        selectors = rng.choice(({}, {"labelSelector": {}}))
        other = {**term, "topologyKey": "disk", **selectors}
        spec["topologySpreadConstraints"] = [
            {"maxSkew": 2, "whenUnsatisfiable": hard, **domains, **taints, **term},
            {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", **taints, **term},
            {"maxSkew": 3, "whenUnsatisfiable": hard, **other},
        ]
        if rng.random() < 0.5:
            spec["nodeSelector"] = {"disk": "ssd"}
    elif kind == 4:
        terms = [term, {**term, "topologyKey": "disk"}][: rng.choice((1, 2))]
        spec["affinity"] = {rng.choice(("podAffinity", "podAntiAffinity")): {REQUIRED: terms}}
    elif kind == 5:
        weighted = {PREFERRED: [{"weight": 50, "podAffinityTerm": term}]}
        spec["affinity"] = {rng.choice(("podAffinity", "podAntiAffinity")): weighted}
    return make_pod(
        f"p{number}",
        node=node,
        cpu=rng.choice(("", "100m", "500m", "3")),
        memory=rng.choice(("", "128Mi", "1Gi")),
        labels={"app": app},
        image=rng.choice(("big:1", "small:1")),
        host_port=rng.choice((0, 0, 0, 8080)),
        **spec,
    )


def by_app(pod: PodInfo) -> Selector | None:
    return selector_from_map(pod.labels) if pod.labels.get("app") == "c" else None


@pytest.mark.parametrize("seed", range(12))
def test_columns_filter_and_score_as_the_loop_does(seed: int) -> None:
    rng = Random(seed)
    cache = make_cache(random_node(rng, number) for number in range(40))
    config = ProfileConfig(args=ARGS[seed % len(ARGS)])
    profile, columns = make_profile(cache, config, selector=by_app), Columns(cache)
    for number in range(120):
        pod = parse_pod(random_pod(rng, number))
        states = profile.pre_filter(pod, cache)
        assert not isinstance(states, Verdict)
        columns.refresh()
        rows = columns.fitting(pod, profile, states)
        fitting = [node for node in cache.nodes if profile.filter(pod, node, states) is None]
        assert [cache.nodes[row].name for row in rows] == [node.name for node in fitting]
        if not fitting:
            continue
        scores = profile.score(pod, cache, fitting)
        totals = [sum(column) for column in zip(*scores.values(), strict=True)]
        assert columns.scores(pod, profile, rows).tolist() == totals
        cache.assume(pod, rng.choice(fitting).name)
        if number % 7 == 0:  # nodes change, come and go under the columns' feet
            cache.set_node(parse_node(random_node(rng, rng.randrange(44))))
        if number % 29 == 0:
            cache.remove_node(rng.choice(cache.nodes).name)
        if number % 5 == 0:
            cache.remove_pod(rng.choice(list(cache.pods)))
