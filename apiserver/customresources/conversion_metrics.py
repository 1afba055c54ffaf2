"""What comes of asking webhooks to convert custom resources, with upstream's names.

Source: pkg/apiserver/conversion/metrics.go of k8s.io/apiextensions-apiserver 0.34.
"""

from __future__ import annotations

from time import perf_counter

from component_base.metrics import LATENCY_BUCKETS, Counter, Histogram

_PREFIX = "apiserver_conversion_webhook"
_LABELS = ["result", "failure_type"]
_REQUESTS = Counter(
    f"{_PREFIX}_request_total",
    "Counter for conversion webhook requests with success/failure and failure error type",
    _LABELS,
)
_SECONDS = Histogram(
    f"{_PREFIX}_duration_seconds",
    "Conversion webhook request latency",
    _LABELS,
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60),
)
_BY_DEFINITION = Histogram(
    "apiserver_crd_conversion_webhook_duration_seconds",
    "CRD webhook conversion duration in seconds",
    ["crd_name", "from_version", "to_version", "succeeded"],
    buckets=LATENCY_BUCKETS,
)

_FAILURE = "conversion_webhook_{}_failure"
CALL, MALFORMED, PARTIAL, INVALID = (
    _FAILURE.format(each)
    for each in ("call", "malformed_response", "partial_response", "invalid_converted_object")
)


class Conversion:
    """One request to a webhook: it is counted when its block ends, by an exception if it failed."""

    def __init__(self, definition: str, before: str, after: str) -> None:
        """`before` and `after` are versions."""
        self._definition, self._versions = definition, (before, after)
        self.risk = CALL
        """What has failed, if something fails now."""

    def __enter__(self) -> Conversion:
        self._began = perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        seconds = perf_counter() - self._began
        labels = ("failure", self.risk) if kind else ("success", "")
        _REQUESTS.labels(*labels).inc()
        _SECONDS.labels(*labels).observe(seconds)
        succeeded = str(kind is None).lower()
        _BY_DEFINITION.labels(self._definition, *self._versions, succeeded).observe(seconds)
