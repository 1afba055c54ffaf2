"""What came of the conditions under which webhooks are called and policies apply, with upstream's names.

As upstream, nothing is told of conditions that are all fulfilled, and exclusions are told of webhooks only.
Source: pkg/admission/metrics/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from component_base.metrics import Counter, Histogram

_PREFIX = "apiserver_admission_match_condition"
_LABELS = ["name", "kind", "type", "operation"]

_ERRORS = Counter(
    f"{_PREFIX}_evaluation_errors_total",
    "Admission match condition evaluation errors count, identified by name of resource containing the match "
    "condition and broken out for each kind containing matchConditions (webhook or policy), operation and "
    "admission type (validate or admit).",
    _LABELS,
)
_EXCLUSIONS = Counter(
    f"{_PREFIX}_exclusions_total",
    "Admission match condition evaluation exclusions count, identified by name of resource containing the "
    "match condition and broken out for each kind containing matchConditions (webhook or policy), operation "
    "and admission type (validate or admit).",
    _LABELS,
)
_SECONDS = Histogram(
    f"{_PREFIX}_evaluation_seconds",
    "Admission match condition evaluation time in seconds, identified by name and broken out for each kind "
    "containing matchConditions (webhook or policy), operation and type (validate or admit).",
    _LABELS,
    buckets=(0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
)


class Conditions:
    """Of one webhook or policy and one write; `type` is admit, validating or validate."""

    def __init__(self, name: str, kind: str, type: str, operation: str) -> None:
        self._labels = (name, kind, type, operation)

    def unmet(self, seconds: float, failures: int = 0) -> None:
        """So many conditions failed."""
        _SECONDS.labels(*self._labels).observe(seconds)
        if failures:
            _ERRORS.labels(*self._labels).inc(failures)


class WebhookConditions(Conditions):
    def __init__(self, name: str, operation: str, *, may_change: bool) -> None:
        super().__init__(name, "webhook", "admit" if may_change else "validating", operation)
        self._exclusion = (name, "webhook", "admit" if may_change else "validate", operation)

    def excluded(self) -> None:
        """The webhook is not called."""
        _EXCLUSIONS.labels(*self._exclusion).inc()


class PolicyConditions(Conditions):
    def __init__(self, name: str, operation: str) -> None:
        super().__init__(name, "policy", "validate", operation)
