"""Metrics of the autoscaler, under upstream's names.

Source: pkg/controller/podautoscaler/monitor/metrics.go.
"""

from __future__ import annotations

from component_base.metrics import LATENCY_BUCKETS, Counter, Histogram

SCALE_UP, SCALE_DOWN, NO_ACTION = "scale_up", "scale_down", "none"
NO_ERROR, INTERNAL_ERROR = "none", "internal"

_PREFIX = "horizontal_pod_autoscaler_controller_"
_ACTION = "The label 'action' should be either 'scale_down', 'scale_up', or 'none'."
_LABELS, _METRIC_LABELS = ("action", "error"), ("action", "error", "metric_type")

RECONCILIATIONS = Counter(
    f"{_PREFIX}reconciliations_total",
    f"Number of reconciliations of HPA controller. {_ACTION} The label 'error' is 'internal' or 'none'.",
    _LABELS,
)
RECONCILIATION_SECONDS = Histogram(
    f"{_PREFIX}reconciliation_duration_seconds",
    f"The time(seconds) that the HPA controller takes to reconcile once. {_ACTION}",
    _LABELS,
    buckets=LATENCY_BUCKETS,
)
METRIC_COMPUTATIONS = Counter(
    f"{_PREFIX}metric_computation_total",
    f"Number of metric computations. {_ACTION} The label 'metric_type' corresponds to "
    "HPA.spec.metrics[*].type",
    _METRIC_LABELS,
)
METRIC_COMPUTATION_SECONDS = Histogram(
    f"{_PREFIX}metric_computation_duration_seconds",
    f"The time(seconds) that the HPA controller takes to calculate one metric. {_ACTION}",
    _METRIC_LABELS,
    buckets=LATENCY_BUCKETS,
)


def action_of(current: int, desired: int | None) -> str:
    """What a decision does, if there is one."""
    if desired is None or desired == current:
        return NO_ACTION
    return SCALE_UP if desired > current else SCALE_DOWN


def count_reconciliation(action: str, seconds: float, *, failed: bool) -> None:
    labels = (action, INTERNAL_ERROR if failed else NO_ERROR)
    RECONCILIATIONS.labels(*labels).inc()
    RECONCILIATION_SECONDS.labels(*labels).observe(seconds)


def count_computation(sort: str, action: str, seconds: float, *, failed: bool) -> None:
    """`sort` is the type of the metric."""
    labels = (action, INTERNAL_ERROR if failed else NO_ERROR, sort)
    METRIC_COMPUTATIONS.labels(*labels).inc()
    METRIC_COMPUTATION_SECONDS.labels(*labels).observe(seconds)
