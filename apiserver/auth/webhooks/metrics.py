"""What is counted about webhooks that authorize, and the conditions for them, with upstream's names."""

from __future__ import annotations

from component_base.metrics import Counter, Histogram

_PREFIX = "apiserver_authorization_webhook"
_LABELS = ["name", "result"]
_CONDITION_PREFIX = "apiserver_authorization_match_condition"
_CONDITION_LABELS = ["type", "name"]
_TYPE = "Webhook"

EVALUATIONS = Counter(f"{_PREFIX}_evaluations_total", "Round-trips to authorization webhooks.", _LABELS)
DURATION = Histogram(f"{_PREFIX}_duration_seconds", "Request latency in seconds.", _LABELS)
FAIL_OPEN = Counter(
    f"{_PREFIX}_evaluations_fail_open_total",
    "NoOpinion results due to webhook timeout or error.",
    _LABELS,
)


_CONDITION_ERRORS = Counter(
    f"{_CONDITION_PREFIX}_evaluation_errors_total",
    "Total number of errors when an authorization webhook encounters a match condition error split by "
    "authorizer type and name.",
    _CONDITION_LABELS,
)
_CONDITION_EXCLUSIONS = Counter(
    f"{_CONDITION_PREFIX}_exclusions_total",
    "Total number of exclusions when an authorization webhook is skipped because match conditions exclude "
    "it.",
    _CONDITION_LABELS,
)
_CONDITION_SECONDS = Histogram(
    f"{_CONDITION_PREFIX}_evaluation_seconds",
    "Authorization match condition evaluation time in seconds, split by authorizer type and name.",
    _CONDITION_LABELS,
    buckets=(0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
)


def observe(name: str, result: str, seconds: float) -> None:
    """`result`: success, timeout or error."""
    EVALUATIONS.labels(name, result).inc()
    DURATION.labels(name, result).observe(seconds)


def observe_conditions(name: str, seconds: float, *, holds: bool | None) -> None:
    """`holds`: whether all were true; None if some failed."""
    _CONDITION_SECONDS.labels(_TYPE, name).observe(seconds)
    if holds is None:
        _CONDITION_ERRORS.labels(_TYPE, name).inc()
    elif not holds:
        _CONDITION_EXCLUSIONS.labels(_TYPE, name).inc()
