"""What is counted about calls of webhooks, with upstream's names."""

from __future__ import annotations

from component_base.metrics import Counter, Gauge, Histogram

_PREFIX = "apiserver_admission_webhook"
_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10, 25)
_MAX_CODE = 600

DURATION = Histogram(
    f"{_PREFIX}_admission_duration_seconds",
    "Admission webhook latency histogram in seconds, identified by name and broken out for each operation "
    "and API resource and type (validate or admit).",
    ["name", "type", "operation", "rejected"],
    buckets=_BUCKETS,
)
REQUESTS = Counter(
    f"{_PREFIX}_request_total",
    "Admission webhook request total, identified by name and broken out for each admission type (validating "
    "or admit) and operation. Additional labels specify whether the request was rejected or not and an HTTP "
    "status code. Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.",
    ["name", "type", "operation", "code", "rejected"],
)


# Counters: see `component_base.metric_types`.
REJECTIONS = Gauge(
    f"{_PREFIX}_rejection_count",
    "Admission webhook rejection count, identified by name and broken out for each admission type "
    "(validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or "
    "apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection "
    "code if the webhook rejects the request with an HTTP status code.",
    ["name", "type", "operation", "error_type", "rejection_code"],
)
FAIL_OPEN = Gauge(
    f"{_PREFIX}_fail_open_count",
    "Admission webhook fail open count, identified by name and broken out for each admission type "
    "(validating or admit).",
    ["name", "type"],
)
BY_WEBHOOK, BY_FAILURE = "no_error", "calling_webhook_error"


def count_rejection(name: str, kind: str, operation: str, error_type: str, code: int) -> None:
    REJECTIONS.labels(name, kind, operation, error_type, str(min(code, _MAX_CODE))).inc()


def observe(name: str, kind: str, operation: str, seconds: float, *, code: int, is_rejected: bool) -> None:
    rejected = str(is_rejected).lower()
    DURATION.labels(name, kind, operation, rejected).observe(seconds)
    REQUESTS.labels(name, kind, operation, str(min(code, _MAX_CODE)), rejected).inc()
