"""Endpoints are shared out to zones by their CPU."""

from collections import Counter

import pytest

from apimachinery.objects import Object
from controller_manager.endpoints_plan import PodEndpoint
from controller_manager.topology_hints import NoHints, shares_of_zones, with_hints


def node(zone: str, cpu: str = "1", *, ready: bool = True, **labels: str) -> Object:
    return {
        "metadata": {"labels": {"topology.kubernetes.io/zone": zone, **labels}},
        "status": {
            "allocatable": {"cpu": cpu},
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([node("a"), node("b", "3")], {"a": 0.25, "b": 0.75}, id="by cpu"),
        pytest.param([node("a"), node("a")], {}, id="one zone"),
        pytest.param([node("a"), node("b"), node("")], {}, id="a node without a zone"),
        pytest.param([node("a"), node("b", "0")], {}, id="a node without cpu"),
        pytest.param([node("a"), node("b"), node("c", ready=False)], {"a": 0.5, "b": 0.5}, id="one is away"),
        pytest.param(
            [node("a"), node("b"), node("c", **{"node-role.kubernetes.io/control-plane": ""})],
            {"a": 0.5, "b": 0.5}, id="one is not for pods",
        ),
    ],
)  # fmt: skip
def test_shares(nodes: list[Object], expected: dict[str, float]) -> None:
    assert shares_of_zones(nodes) == expected


def endpoints(zones: str, *, ready: bool = True) -> list[PodEndpoint]:
    made = []
    for index, zone in enumerate(zones):
        known = zone if zone != "-" else ""
        made.append(
            PodEndpoint(
                f"10.0.0.{index}", (), ready, ready, False, f"p{index}", "ns", f"u{index}", "n", zone=known
            )
        )
    return made


HALVES, THIRDS = {"a": 0.5, "b": 0.5}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}


@pytest.mark.parametrize(
    ("zones", "shares", "expected"),
    [
        pytest.param("ab", HALVES, "a1 b1", id="one each"),
        pytest.param("aaab", HALVES, "a2 b2", id="one is lent"),
        pytest.param("aabbcc", THIRDS, "a2 b2 c2", id="three zones"),
        pytest.param("aaaaaa", THIRDS, "a2 b2 c2", id="all in one zone"),
        pytest.param("aab", HALVES, NoHints(
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
            "(3 endpoints, 2 zones)"
        ), id="too uneven"),
        pytest.param(
            "ab", THIRDS, NoHints("Insufficient number of endpoints (2 endpoints, 3 zones)"), id="too few"
        ),
        pytest.param("a-", HALVES, NoHints("One or more endpoints do not have a zone specified"), id="lost"),
        pytest.param("ab", {}, NoHints(
            "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
        ), id="nothing known of nodes"),
    ],
)  # fmt: skip
def test_sharing(zones: str, shares: dict[str, float], expected: object) -> None:
    found = with_hints(endpoints(zones), shares)
    if isinstance(found, list):
        counts = Counter(each.hints["forZones"][0]["name"] for each in found)
        assert " ".join(f"{zone}{count}" for zone, count in sorted(counts.items())) == expected
    else:
        assert found == expected


def test_what_is_not_ready_gets_no_traffic_and_no_hints() -> None:
    found = with_hints([*endpoints("ab"), *endpoints("c", ready=False)], HALVES)
    assert isinstance(found, list)
    assert [bool(each.hints) for each in found] == [True, True, False]
