"""Prometheus metrics with upstream's names and buckets; each daemon declares its own in its `metrics.py`."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

__all__ = ["CONTENT_TYPE", "LATENCY_BUCKETS", "QUEUE_BUCKETS", "Counter", "Gauge", "Histogram", "render"]

disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream has none either

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LATENCY_BUCKETS = tuple(0.001 * 2**power for power in range(15))
"""Seconds from 1 ms to 16 s."""

QUEUE_BUCKETS = tuple(10.0**power for power in range(-8, 2))
"""Seconds from 10 ns to 10 s, as upstream's work queues have them."""


def render() -> bytes:
    """Every metric of this process in the text format."""
    return generate_latest(REGISTRY)
