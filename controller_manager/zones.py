"""How fast pods may be evicted from nodes that fall silent: fast from a few, slowly or not at all from many.

When most of a zone falls silent at once it is likelier that we cannot see it than that it is gone, and others
would not have room for its pods. Source: pkg/controller/nodelifecycle/node_lifecycle_controller.go.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, labels_of
from apimachinery.well_known import REGION, ZONE
from controller_manager.metrics import tell_zone

EXCLUDED = "node.kubernetes.io/exclude-disruption"
"""Nodes with this label say nothing about their zone."""
FEW = 2
"""So many silent nodes are never a disruption, however small the zone."""


class ZoneState(StrEnum):
    NORMAL = "Normal"
    PARTIAL_DISRUPTION = "PartialDisruption"
    FULL_DISRUPTION = "FullDisruption"


def zone_of(node: Object) -> str:
    """As metrics tell it: with a null character between region and zone, empty where there are none."""
    region, zone = (labels_of(node).get(name, "") for name in (REGION, ZONE))
    return f"{region}:\x00:{zone}" if region or zone else ""


def zone_state(ready: int, silent: int, threshold: float) -> ZoneState:
    """`threshold` is the share of silent nodes, 0 to 1, from which on a zone counts as disrupted."""
    if silent and not ready:
        return ZoneState.FULL_DISRUPTION
    if silent > FEW and silent / (silent + ready) >= threshold:
        return ZoneState.PARTIAL_DISRUPTION
    return ZoneState.NORMAL


@dataclass(frozen=True, slots=True)
class Rates:
    """Nodes a second. The secondary rate is that of disrupted zones, 0 where they are not large."""

    primary: float = 0.1
    secondary: float = 0.01
    large: int = 50
    threshold: float = 0.55

    def of(self, ready: int, silent: int) -> float:
        if zone_state(ready, silent, self.threshold) is not ZoneState.PARTIAL_DISRUPTION:
            return self.primary
        return self.secondary if ready + silent > self.large else 0.0


class Zones:
    """Who is ready in which zone, and when the next node of a zone may lose its pods."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._nodes: dict[str, tuple[str, bool]] = {}
        self._ready: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()
        self._last: dict[str, float] = {}

    def observe(self, node: Object) -> None:
        name = node["metadata"]["name"]
        if EXCLUDED in labels_of(node):
            self.forget(name)
            return
        seen = zone_of(node), is_condition_true(node, "Ready")
        if seen != self._nodes.get(name):
            self.forget(name)
            self._nodes[name] = seen
            self._count(seen, 1)

    def forget(self, name: str) -> None:
        seen = self._nodes.pop(name, None)
        if seen is not None:
            self._count(seen, -1)

    def _count(self, seen: tuple[str, bool], change: int) -> None:
        zone, is_ready = seen
        (self._ready if is_ready else self._silent)[zone] += change
        tell_zone(zone, self._ready[zone], self._silent[zone])

    @property
    def is_all_silent(self) -> bool:
        """Whether no node anywhere is ready: then it is us who are cut off, and nobody is evicted."""
        return bool(self._nodes) and not self._ready.total()

    def wait(self, zone: str, now: float) -> float:
        """The seconds until a node of the zone may be emptied; inf if that is not to be foreseen."""
        rate = self._rates.of(self._ready[zone], self._silent[zone])
        if not rate or self.is_all_silent:
            return inf
        return max(0.0, self._last.get(zone, -inf) + 1 / rate - now)

    def take(self, zone: str, now: float) -> None:
        """One is being emptied now."""
        self._last[zone] = now
