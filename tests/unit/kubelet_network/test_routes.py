"""Routes to the pods of other nodes, planned from Node objects."""

from __future__ import annotations

from typing import Any

import pytest

from kubelet.network.names import address_of, mac_of
from kubelet.network.routes import Backend, Route, RoutePlan, plan_routes, wanted_routes, with_tunnels


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


NEAR, FAR = Route("10.244.1.0/24", "192.0.2.2"), Route("10.244.2.0/24", "198.51.100.9")


@pytest.mark.parametrize(
    ("backend", "tunnels"),
    [
        pytest.param(Backend.AUTO, {"198.51.100.9"}, id="only where there is no other way"),
        pytest.param(Backend.HOST_GW, set(), id="never"),
        pytest.param(Backend.VXLAN, {"192.0.2.2", "198.51.100.9"}, id="always"),
    ],
)
def test_which_nodes_are_reached_through_a_tunnel(backend, tunnels):
    routes = with_tunnels([NEAR, FAR], backend, lambda address: address.startswith("192.0.2."))
    assert {route.address for route in routes if route.tunnel} == tunnels
    assert {route.destination for route in routes} == {NEAR.destination, FAR.destination}


def test_a_way_that_becomes_direct_replaces_the_tunnel():
    tunnel = Route(NEAR.destination, NEAR.address, tunnel=True)
    assert plan_routes([NEAR], [tunnel]) == RoutePlan(add=(NEAR,))


def test_hardware_addresses_tell_the_address_they_were_made_of():
    assert address_of(mac_of("192.0.2.250")) == "192.0.2.250"
    assert address_of("02:42:ac:11:00:02") == ""
    assert address_of("") == ""


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
