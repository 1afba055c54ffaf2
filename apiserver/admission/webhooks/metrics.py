"""What is counted about calls of webhooks, with upstream's names."""

from __future__ import annotations

from component_base.metrics import Counter, Histogram

_PREFIX = "apiserver_admission_webhook"
_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10, 25)
_MAX_CODE = 600

DURATION = Histogram(
    f"{_PREFIX}_admission_duration_seconds",
    "Admission webhook latency histogram in seconds, identified by name and broken out for each operation "
    "and type (admit or validating).",
    ["name", "type", "operation", "rejected"],
    buckets=_BUCKETS,
)
REQUESTS = Counter(
    f"{_PREFIX}_request_total",
    "Admission webhook request total, identified by name and broken out for each type (admit or validating), "
    "operation, HTTP status code, and whether the request was rejected.",
    ["name", "type", "operation", "code", "rejected"],
)


def observe(name: str, kind: str, operation: str, seconds: float, *, code: int, is_rejected: bool) -> None:
    rejected = str(is_rejected).lower()
    DURATION.labels(name, kind, operation, rejected).observe(seconds)
    REQUESTS.labels(name, kind, operation, str(min(code, _MAX_CODE)), rejected).inc()
