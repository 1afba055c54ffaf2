"""How seats are shared out and lent."""

from __future__ import annotations

import pytest

from apiserver.bootstrap.flow_control import mandatory, suggested
from apiserver.flow_control.demand import Demand
from apiserver.flow_control.limits import Limits, Wish, current_limits, nominal_limits

KIND = "PriorityLevelConfiguration"
SPECS = {
    each.obj["metadata"]["name"]: each.obj["spec"]
    for each in (*mandatory(), *suggested())
    if each.obj["kind"] == KIND
}
LIMITS = nominal_limits(SPECS, 600)


def test_shares_of_the_bootstrap_levels_are_upstreams() -> None:
    assert {name: (each.nominal, each.lower) for name, each in LIMITS.items()} == {
        "catch-all": (13, 13), "exempt": (0, 0), "system": (74, 50), "node-high": (98, 74),
        "leader-election": (25, 25), "workload-high": (98, 49), "workload-low": (245, 25),
        "global-default": (49, 25),
    }  # fmt: skip
    assert LIMITS["system"].upper == sum(each.nominal for each in LIMITS.values())


def wishes(**wanted: int) -> dict[str, Wish]:
    return {
        name: Wish(wanted.get(name.replace("-", "_"), 0), wanted.get(name.replace("-", "_"), 0))
        for name in LIMITS
    }


def test_who_wants_little_lends_to_who_wants_much() -> None:
    found = current_limits(LIMITS, wishes(global_default=500))
    assert found["global-default"] > 250
    assert all(found[name] >= each.lower for name, each in LIMITS.items())
    assert sum(found.values()) == pytest.approx(602, abs=4)


def test_whoever_wants_what_is_his_has_it() -> None:
    found = current_limits(LIMITS, wishes(global_default=500, workload_low=245, system=74))
    assert (found["workload-low"] >= 245, found["system"] >= 74) == (True, True)


def test_what_exempt_requests_take_is_not_lent() -> None:
    found = current_limits(LIMITS, wishes(exempt=400))
    assert (found["exempt"], found["workload-low"]) == (400, LIMITS["workload-low"].lower)


def test_a_bound_on_borrowing_is_kept() -> None:
    limits = {"a": Limits(10, 5, 12), "b": Limits(10, 0, 20)}
    assert current_limits(limits, {"a": Wish(50, 50), "b": Wish()})["a"] == 12


def test_demand_is_mean_and_deviation_over_a_period() -> None:
    now = [0.0]
    demand = Demand(lambda: now[0])
    demand.note(10, 0.0)
    demand.note(0, 5.0)
    now[0] = 10.0
    assert (demand.close_period(), demand.smoothed) == (10, 10.0)
    now[0] = 20.0
    assert demand.close_period() == 0
    assert demand.smoothed == pytest.approx(9.77), "it is forgotten slowly"
