"""How long the rules of custom resources take, with upstream's names.

Source: pkg/cel/metrics/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from component_base.metrics import DEFAULT_BUCKETS, Histogram

COMPILATION = Histogram(
    "apiserver_cel_compilation_duration_seconds",
    "CEL compilation time in seconds.",
    buckets=DEFAULT_BUCKETS,
)
EVALUATION = Histogram(
    "apiserver_cel_evaluation_duration_seconds",
    "CEL evaluation time in seconds.",
    buckets=DEFAULT_BUCKETS,
)
