"""What is counted of policies' checks, under upstream's names.

Source: pkg/admission/plugin/policy/validating/metrics/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterable

from component_base.metrics import Counter, Histogram

NO_ERROR, OUT_OF_BUDGET, INVALID = "no_error", "out_of_budget", "invalid_error"

_PREFIX = "apiserver_validating_admission_policy"
_LABELS = ["policy", "policy_binding", "error_type", "enforcement_action"]

CHECKS = Counter(
    f"{_PREFIX}_check_total",
    "Validation admission policy check total, labeled by policy and further identified by binding and "
    "enforcement action taken.",
    _LABELS,
)
SECONDS = Histogram(
    f"{_PREFIX}_check_duration_seconds",
    "Validation admission latency for individual validation expressions in seconds, labeled by policy and "
    "further including binding and enforcement action taken.",
    _LABELS,
    buckets=(0.0000005, 0.001, 0.01, 0.1, 1.0),
)


def count_check(policy: str, binding: str, error_type: str, actions: Iterable[str], seconds: float) -> None:
    """`actions`: what follows: Deny, Audit, Warn, as the binding says it; Allow, if it is ignored."""
    for action in actions:
        labels = (policy, binding, error_type, action.lower())
        CHECKS.labels(*labels).inc()
        SECONDS.labels(*labels).observe(seconds)
