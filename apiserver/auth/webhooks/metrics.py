"""What is counted about webhooks that authorize, with upstream's names."""

from __future__ import annotations

from component_base.metrics import Counter, Histogram

_PREFIX = "apiserver_authorization_webhook"
_LABELS = ["name", "result"]

EVALUATIONS = Counter(f"{_PREFIX}_evaluations_total", "Round-trips to authorization webhooks.", _LABELS)
DURATION = Histogram(f"{_PREFIX}_duration_seconds", "Request latency in seconds.", _LABELS)
FAIL_OPEN = Counter(
    f"{_PREFIX}_evaluations_fail_open_total",
    "NoOpinion results due to webhook timeout or error.",
    _LABELS,
)


def observe(name: str, result: str, seconds: float) -> None:
    """`result`: success, timeout or error."""
    EVALUATIONS.labels(name, result).inc()
    DURATION.labels(name, result).observe(seconds)
