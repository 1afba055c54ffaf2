"""Routes to the pods of other nodes, planned from Node objects."""

from __future__ import annotations

from typing import Any

import pytest

from kubelet.network.routes import Route, RoutePlan, plan_routes, wanted_routes


def node(name: str, ip: str = "", *cidrs: str) -> dict[str, Any]:
    addresses = [{"type": "Hostname", "address": name}]
    if ip:
        addresses.append({"type": "InternalIP", "address": ip})
    return {"metadata": {"name": name}, "spec": {"podCIDRs": list(cidrs)}, "status": {"addresses": addresses}}


OWN = node("a", "192.0.2.1", "10.244.0.0/24")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([], set(), id="alone"),
        pytest.param(
            [node("b", "192.0.2.2", "10.244.1.0/24")],
            {Route("10.244.1.0/24", "192.0.2.2")},
            id="another machine",
        ),
        pytest.param([node("b", "192.0.2.1", "10.244.1.0/24")], set(), id="another node of this machine"),
        pytest.param([node("b", "", "10.244.1.0/24")], set(), id="no address yet"),
        pytest.param([node("b", "192.0.2.2")], set(), id="no podCIDR yet"),
        pytest.param(
            [node("b", "192.0.2.2", "10.244.1.0/24", "fd00::/64")],
            {Route("10.244.1.0/24", "192.0.2.2")},
            id="dual stack",
        ),
    ],
)
def test_each_other_machine_is_the_way_to_its_pods(others, expected):
    assert wanted_routes([OWN, *others], "a") == expected


def test_only_the_field_for_one_range_is_enough():
    other = node("b", "192.0.2.2")
    other["spec"] = {"podCIDR": "10.244.1.0/24"}
    assert wanted_routes([OWN, other], "a") == {Route("10.244.1.0/24", "192.0.2.2")}


X, Y = Route("10.244.1.0/24", "192.0.2.2"), Route("10.244.2.0/24", "192.0.2.3")
MOVED = Route("10.244.1.0/24", "192.0.2.9")


@pytest.mark.parametrize(
    ("wanted", "present", "plan"),
    [
        pytest.param([X], [X], RoutePlan(), id="nothing to do"),
        pytest.param([X, Y], [X], RoutePlan(add=(Y,)), id="a new node"),
        pytest.param([X], [X, Y], RoutePlan(remove=(Y,)), id="a node left"),
        pytest.param([MOVED], [X], RoutePlan(add=(MOVED,)), id="a node moved: replaced, never absent"),
    ],
)
def test_plan_is_what_differs(wanted, present, plan):
    assert plan_routes(wanted, present) == plan
