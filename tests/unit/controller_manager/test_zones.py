"""How fast nodes that fall silent are emptied, zone by zone."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from controller_manager.zones import EXCLUDED, ZONE, Rates, Zones, ZoneState, zone_state

Object = dict[str, Any]


A, B = (f":\x00:{name}" for name in "ab")
"""As zones are called, without a region."""


def node(name: str, ready: str = "True", zone: str = "a", **labels: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {ZONE: zone, **labels}},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def zones_with(*nodes: Object) -> Zones:
    zones = Zones(Rates())
    for each in nodes:
        zones.observe(each)
    return zones


def nodes(ready: int, silent: int, zone: str = "a") -> list[Object]:
    return [
        node(f"{zone}{index}", "True" if index < ready else "Unknown", zone)
        for index in range(ready + silent)
    ]


@pytest.mark.parametrize(
    ("ready", "silent", "expected"),
    [
        pytest.param(3, 0, ZoneState.NORMAL, id="all well"),
        pytest.param(0, 0, ZoneState.NORMAL, id="empty"),
        pytest.param(1, 2, ZoneState.NORMAL, id="two are few, whatever their share"),
        pytest.param(3, 3, ZoneState.NORMAL, id="half"),
        pytest.param(2, 3, ZoneState.PARTIAL_DISRUPTION, id="more than 55 percent"),
        pytest.param(0, 1, ZoneState.FULL_DISRUPTION, id="nobody is left"),
    ],
)
def test_the_state_of_a_zone(ready: int, silent: int, expected: ZoneState) -> None:
    assert zone_state(ready, silent, 0.55) is expected


@pytest.mark.parametrize(
    ("seen", "first", "then"),
    [
        pytest.param(nodes(2, 1), 0, 10, id="normal: one in ten seconds"),
        pytest.param(nodes(20, 30), inf, inf, id="disrupted and small: none"),
        pytest.param(nodes(20, 31), 0, 100, id="disrupted and large: one in a hundred"),
        pytest.param([*nodes(0, 4), *nodes(1, 0, "b")], 0, 10, id="a zone that is gone as a whole"),
        pytest.param(nodes(0, 4), inf, inf, id="all zones are gone"),
        pytest.param(
            [*nodes(2, 0), *(node(f"x{each}", "Unknown", **{EXCLUDED: ""}) for each in range(5))],
            0,
            10,
            id="some do not count",
        ),
    ],
)
def test_when_nodes_may_be_emptied(seen: list[Object], first: float, then: float) -> None:
    zones = zones_with(*seen)
    assert zones.wait(A, 1000) == first
    zones.take(A, 1000)
    assert zones.wait(A, 1000) == then
    assert zones.wait(A, 1000 + 100) == (0 if then < inf else inf)


def test_zones_do_not_wait_for_one_another() -> None:
    zones = zones_with(*nodes(2, 1), *nodes(2, 1, "b"))
    zones.take(A, 1000)
    assert zones.wait(B, 1000) == 0


def test_nodes_come_back_and_go() -> None:
    zones = zones_with(node("n", "Unknown"))
    assert zones.is_all_silent
    zones.observe(node("n", "True"))
    assert not zones.is_all_silent
    zones.forget("n")
    assert not zones.is_all_silent
