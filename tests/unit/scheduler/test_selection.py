"""Among how many nodes the best is chosen."""

from __future__ import annotations

from collections import Counter

import pytest

from scheduler.columns import Columns
from scheduler.config import ProfileConfig
from scheduler.pod_info import parse_pod
from scheduler.selection import Selected, enough_nodes
from tests.unit.scheduler.builders import make_cache, make_node, make_pod, make_profile, make_selector


@pytest.mark.parametrize(
    ("percentage", "nodes", "wanted"),
    [
        *((0, 90, 90), (0, 110, 100), (0, 1000, 420), (0, 5000, 500), (0, 9000, 450)),
        *((100, 5000, 5000), (30, 500, 150), (1, 5000, 100), (10, 60, 60)),
    ],
    ids=str,
)
def test_a_profile_may_be_content_with_some_of_the_nodes(percentage: int, nodes: int, wanted: int) -> None:
    assert enough_nodes(percentage, nodes) == wanted


def test_each_search_begins_where_the_last_one_ended() -> None:
    cache = make_cache(make_node(f"n{number:03}") for number in range(250))
    profile, selector = make_profile(cache, ProfileConfig(percentage=40)), make_selector(cache)
    rows = []
    for number in range(5):
        outcome = selector.select(parse_pod(make_pod(f"p{number}")), profile)
        assert isinstance(outcome, Selected)
        assert outcome.feasible == 100
        rows.append(int(outcome.node[1:]))
    for row, start in zip(rows, (0, 100, 200, 50, 150), strict=True):
        assert (row - start) % 250 < 100


def test_a_part_of_the_nodes_is_of_all_zones_alike() -> None:
    zones = {zone: [f"{zone}{number:03}" for number in range(200)] for zone in "xyz"}
    cache = make_cache(
        make_node(name, labels={"topology.kubernetes.io/zone": zone})
        for zone, names in zones.items()
        for name in names
    )
    columns = Columns(cache)
    columns.refresh()
    rows, turn = columns.some(columns.array(range(600)), 590, 60)
    assert Counter(cache.nodes[row].name[0] for row in rows.tolist()) == {"x": 20, "y": 20, "z": 20}
    assert turn == 50


@pytest.mark.parametrize("many_nodes", [50, 0], ids=["one by one", "all at once"])
def test_a_constraint_whose_selector_is_empty_counts_nobody(many_nodes: int) -> None:
    spread = {
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {},
    }  # fmt: skip
    nodes = [make_node("a", labels={"zone": "1"}), make_node("b", labels={"zone": "2"}, unschedulable=True)]
    cache = make_cache(nodes, [make_pod("q", node="a")])
    pod = parse_pod(make_pod("p", topologySpreadConstraints=[spread]))
    outcome = make_selector(cache, many_nodes=many_nodes).select(pod, make_profile(cache))
    assert isinstance(outcome, Selected)
    assert outcome.node == "a"
