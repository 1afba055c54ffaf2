"""Hints of the annotation topology-mode: Auto: endpoints are shared out to zones by their CPU.

Pure. Each ready endpoint is meant for the traffic of its own zone, but of those that a zone has too many some
lent to zones that have too few. There are none at all where a zone would get much less than its share.
Source: staging/src/k8s.io/endpointslice/topologycache of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, get_path, labels_of
from apimachinery.quantity import Quantity
from apimachinery.well_known import CONTROL_PLANE_ROLE, ZONE
from controller_manager.endpoints_plan import PodEndpoint

OVERLOAD = 0.2
"""By how much of its share an endpoint may get more."""
ENABLED = "Topology Aware Hints has been enabled"
NO_NODES = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
TOO_FEW = "Insufficient number of endpoints"
OVERLOADED = "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"
NO_ZONE = "One or more endpoints do not have a zone specified"
_NOT_FOR_PODS = (CONTROL_PLANE_ROLE, "node-role.kubernetes.io/master")

Shares = Mapping[str, float]
"""Of all CPU, by zone."""


@dataclass(frozen=True, slots=True)
class NoHints:
    why: str


def shares_of_zones(nodes: Iterable[Object]) -> Shares:
    """Empty where not every ready node says where it is, or all are in one zone."""
    cpu: dict[str, Quantity] = {}
    for node in nodes:
        labels = labels_of(node)
        if any(each in labels for each in _NOT_FOR_PODS) or not is_condition_true(node, "Ready"):
            continue
        zone, amount = labels.get(ZONE), Quantity.parse(get_path(node, "status.allocatable.cpu", 0))
        if not zone or not amount:
            return {}
        cpu[zone] = cpu.get(zone, Quantity()) + amount
    total = sum(float(each) for each in cpu.values())
    return {zone: float(each) / total for zone, each in cpu.items()} if len(cpu) > 1 else {}


def is_capacity_changed(old: Object | None, new: Object | None) -> bool:
    """Whether a node's change is one of the shares."""
    return _share_of(old) != _share_of(new)


def _share_of(node: Object | None) -> object:
    if node is None:
        return None
    ready = is_condition_true(node, "Ready")
    return labels_of(node), ready, get_path(node, "status.allocatable.cpu")


def with_hints(endpoints: Sequence[PodEndpoint], shares: Shares) -> list[PodEndpoint] | NoHints:
    """The endpoints with whom each is for."""
    ready = [each for each in endpoints if each.ready]
    desired = _desired(len(ready), shares)
    if isinstance(desired, NoHints):
        return desired
    if any(not each.zone for each in ready):
        return NoHints(NO_ZONE)
    has = dict.fromkeys(desired, 0)
    for each in ready:
        has[each.zone] = has.get(each.zone, 0) + 1
    lent = _transfers(desired, has)
    return [replace(each, hints=_hint(each, lent)) if each.ready else each for each in endpoints]


def _desired(count: int, shares: Shares) -> dict[str, float] | NoHints:
    """How many endpoints each zone should have."""
    if not shares:
        return NoHints(NO_NODES)
    told = f"({count} endpoints, {len(shares)} zones)"
    if len(shares) > count:
        return NoHints(f"{TOO_FEW} {told}")
    exact = {zone: share * count for zone, share in shares.items()}
    least = {zone: ceil(wanted / (1 + OVERLOAD)) for zone, wanted in exact.items()}
    if sum(least.values()) > count:
        return NoHints(f"{OVERLOADED} {told}")
    return {zone: max(wanted, least[zone]) for zone, wanted in exact.items()}


def _transfers(desired: Mapping[str, float], has: Mapping[str, int]) -> dict[str, list[str]]:
    """From each zone that has too many, the zones that it lends one endpoint each."""
    spare = {zone: has[zone] - wanted for zone, wanted in desired.items() if has[zone] > wanted}
    short = {zone: wanted - has[zone] for zone, wanted in desired.items() if has[zone] < wanted}
    lent: dict[str, list[str]] = {}
    while spare and short:
        giver, taker = (max(sorted(each), key=each.__getitem__) for each in (spare, short))
        if min(spare[giver], short[taker]) < 0.5 or max(spare[giver], short[taker]) < 1.0:
            break
        lent.setdefault(giver, []).append(taker)
        spare[giver] -= 1
        short[taker] -= 1
    return lent


def _hint(endpoint: PodEndpoint, lent: Mapping[str, list[str]]) -> Object:
    """Takes from `lent` what it gives away."""
    takers = lent.get(endpoint.zone)
    return {"forZones": [{"name": takers.pop(0) if takers else endpoint.zone}]}
