"""What flags say to the autoscaler, and why a metric could not be used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from apimachinery.objects import Object, get_path
from apimachinery.quantity import Quantity


class Tolerances(NamedTuple):
    """How far below and above 1 the ratio of usage to target may be before anything is done."""

    down: float
    up: float

    def cover(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


_TENTH = Tolerances(0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations in seconds."""

    sync_period: float = 15.0
    downscale_stabilization: float = 300.0
    tolerances: Tolerances = _TENTH
    cpu_initialization: float = 300.0
    """For so long after a pod's start its CPU counts only while it is ready."""
    initial_readiness: float = 30.0
    """Who becomes unready within this time after its start has never been ready."""

    def heeding(self, autoscaler: Object) -> Settings:
        """With the tolerances of its behavior, where it has some."""
        behavior = get_path(autoscaler, "spec.behavior", {})
        down, up = (get_path(behavior, f"{way}.tolerance") for way in ("scaleDown", "scaleUp"))
        known = self.tolerances
        return replace(self, tolerances=Tolerances(_number(down, known.down), _number(up, known.up)))


def _number(quantity: str | None, default: float) -> float:
    return default if quantity is None else float(Quantity.parse(quantity))


class MetricsError(Exception):
    """A metric cannot be had, or says nothing; the text is upstream's."""
