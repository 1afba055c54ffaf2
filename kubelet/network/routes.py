"""Ways to the pods of other nodes, planned from Node objects alone. Pure; `links` applies what differs.

Where nodes share a subnet, the way is a plain route by the node's address (flannel's host-gw); elsewhere it
leads through a VXLAN tunnel whose neighbours follow from the same Node objects: nothing else is announced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apimachinery.objects import Object, name_of

ROUTE_PROTOCOL = 83
"""Marks routes in the kernel's table as ours (rtnetlink's protocol field, an unassigned number)."""


class Backend(StrEnum):
    """How pods' packets reach another node: flannel's names, and its DirectRouting as the default."""

    AUTO = "auto"
    HOST_GW = "host-gw"
    VXLAN = "vxlan"


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """To the pods in `destination`, which the machine with `address` has."""

    destination: str
    address: str
    tunnel: bool = False

    @property
    def network(self) -> str:
        """The destination's first address, which stands for the other end of the tunnel."""
        return self.destination.partition("/")[0]


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


def with_tunnels(routes: Iterable[Route], backend: Backend, is_direct: Callable[[str], bool]) -> set[Route]:
    """`is_direct` says whether a machine is on a subnet of this one."""

    def through_tunnel(route: Route) -> bool:
        return backend is Backend.VXLAN or (backend is Backend.AUTO and not is_direct(route.address))

    return {Route(each.destination, each.address, through_tunnel(each)) for each in routes}


def plan_routes(wanted: Iterable[Route], present: Iterable[Route]) -> RoutePlan:
    """`present` are ours only. A destination that is reached another way is replaced by being added."""
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
