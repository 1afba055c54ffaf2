"""How seats are shared out and lent."""

from __future__ import annotations

import pytest

from apiserver.bootstrap.flow_control import mandatory, suggested
from apiserver.flow_control.demand import Demand
from apiserver.flow_control.levels import most_seats
from apiserver.flow_control.limits import Limits, Wish, allot, nominal_limits

KIND = "PriorityLevelConfiguration"
SPECS = {
    each.obj["metadata"]["name"]: each.obj["spec"]
    for each in (*mandatory(), *suggested())
    if each.obj["kind"] == KIND
}
LIMITS = nominal_limits(SPECS, 600)


def test_shares_of_the_bootstrap_levels_are_upstreams() -> None:
    assert {name: (each.nominal, each.lower) for name, each in LIMITS.items()} == {
        "catch-all": (13, 13), "exempt": (0, 0), "system": (74, 50), "node-high": (98, 73),
        "leader-election": (25, 25), "workload-high": (98, 49), "workload-low": (245, 24),
        "global-default": (49, 24),
    }  # fmt: skip
    assert all(each.upper == each.nominal + 600 for each in LIMITS.values())


@pytest.mark.parametrize(
    ("nominal", "hand_size", "expected"),
    [
        pytest.param(245, 6, 37, id="a part of the level"),
        pytest.param(49, 8, 6, id="what a hand leaves"),
        pytest.param(5, 8, 1, id="at least one"),
        pytest.param(5000, 6, 100, id="at most so many"),
        pytest.param(13, 0, 100, id="where nobody waits"),
    ],
)
def test_one_request_takes_no_more_than_a_part(nominal: int, hand_size: int, expected: int) -> None:
    assert most_seats(nominal, hand_size) == expected


def wishes(**wanted: int) -> dict[str, Wish]:
    return {
        name: Wish(wanted.get(name.replace("-", "_"), 0), wanted.get(name.replace("-", "_"), 0))
        for name in LIMITS
    }


def test_who_wants_little_lends_to_who_wants_much() -> None:
    found = allot(LIMITS, wishes(global_default=500)).seats
    assert found["global-default"] > 250
    assert all(found[name] >= each.lower for name, each in LIMITS.items())
    assert sum(found.values()) == pytest.approx(602, abs=4)


def test_whoever_wants_what_is_his_has_it() -> None:
    found = allot(LIMITS, wishes(global_default=500, workload_low=245, system=74)).seats
    assert (found["workload-low"] >= 245, found["system"] >= 74) == (True, True)


def test_what_exempt_requests_take_is_not_lent() -> None:
    found = allot(LIMITS, wishes(exempt=400))
    assert (found.seats["exempt"], found.seats["workload-low"]) == (400, LIMITS["workload-low"].lower)
    assert found.fair_part == 0


def test_a_bound_on_borrowing_is_kept() -> None:
    limits = {"a": Limits(10, 5, 12), "b": Limits(10, 0, 20)}
    allotment = allot(limits, {"a": Wish(50, 50), "b": Wish()})
    assert allotment.seats["a"] == 12
    assert allotment.targets == {"a": 50, "b": 0}
    assert allotment.fair_part == pytest.approx(8000), "who wants nothing is taken to want 0.001"


def test_demand_is_mean_and_deviation_over_a_period() -> None:
    now = [0.0]
    demand = Demand(lambda: now[0])
    demand.note((3, 1, 8, 2), 0.0)
    demand.note((0, 0, 0, 0), 5.0)
    now[0] = 10.0
    assert demand.close_period() == {(3, 1, 8, 2): 5.0, (0, 0, 0, 0): 5.0}
    assert (demand.highest, demand.mean, demand.smoothed) == (10, 5.0, 10.0)
    now[0] = 20.0
    demand.close_period()
    assert demand.highest == 0
    assert demand.smoothed == pytest.approx(9.77), "it is forgotten slowly"
