"""Routes to the pods of other nodes, when all nodes share one subnet (flannel's host-gw). Pure planner.

From Node objects to `podCIDR via node IP`; `links` applies what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object, name_of

ROUTE_PROTOCOL = 83
"""Marks routes in the kernel's table as ours (rtnetlink's protocol field, an unassigned number)."""


@dataclass(frozen=True, slots=True, order=True)
class Route:
    destination: str
    gateway: str


@dataclass(frozen=True, slots=True)
class RoutePlan:
    add: tuple[Route, ...] = ()
    remove: tuple[Route, ...] = ()


def wanted_routes(nodes: Iterable[Object], own: str) -> set[Route]:
    """One for each podCIDR of each node that has another address than this one."""
    by_name = {name_of(node): node for node in nodes}
    own_address = internal_ip(by_name.get(own, {}))
    return {
        Route(cidr, address)
        for name, node in by_name.items()
        if name != own and (address := internal_ip(node)) and address != own_address
        for cidr in pod_cidrs(node)
    }


def plan_routes(wanted: Iterable[Route], present: Iterable[Route]) -> RoutePlan:
    """`present` are ours only. A destination whose gateway changed is replaced by being added."""
    wanted, present = set(wanted), set(present)
    destinations = {route.destination for route in wanted}
    gone = {route for route in present - wanted if route.destination not in destinations}
    return RoutePlan(tuple(sorted(wanted - present)), tuple(sorted(gone)))


def internal_ip(node: Object) -> str:
    addresses: Sequence[Mapping[str, str]] = (node.get("status") or {}).get("addresses") or ()
    return next((each["address"] for each in addresses if each.get("type") == "InternalIP"), "")


def pod_cidrs(node: Object) -> list[str]:
    """IPv4 only: the pod network has no other addresses yet."""
    spec = node.get("spec") or {}
    cidrs = spec.get("podCIDRs") or [spec.get("podCIDR") or ""]
    return [cidr for cidr in cidrs if cidr and ":" not in cidr]
