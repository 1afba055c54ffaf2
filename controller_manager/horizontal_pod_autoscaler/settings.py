"""What flags say to the autoscaler, and why a metric could not be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations in seconds."""

    sync_period: float = 15.0
    downscale_stabilization: float = 300.0
    tolerance: float = 0.1
    """How far the ratio of usage to target may be from 1 before anything is done."""
    cpu_initialization: float = 300.0
    """For so long after a pod's start its CPU counts only while it is ready."""
    initial_readiness: float = 30.0
    """Who becomes unready within this time after its start has never been ready."""


class MetricsError(Exception):
    """A metric cannot be had, or says nothing; the text is upstream's."""
