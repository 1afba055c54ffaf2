"""How health checks come out, at /metrics/slis: what service levels are made of.

Kept apart from a daemon's other metrics, since it is asked for more often.
Source: staging/src/k8s.io/component-base/metrics/prometheus/slis of Kubernetes 1.34.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from component_base.metrics import EXPOSITION

PATH = "/metrics/slis"

_REGISTRY = CollectorRegistry()
_LATEST = Gauge(
    "kubernetes_healthcheck",
    "This metric records the result of a single healthcheck.",
    ("name", "type"),
    registry=_REGISTRY,
)
_ALL = Counter(
    "kubernetes_healthchecks_total",
    "This metric records the results of all healthcheck.",
    ("name", "status", "type"),
    registry=_REGISTRY,
)


def observe(endpoint: str, check: str, *, ok: bool) -> None:
    """One check of an endpoint (`healthz`, `livez`, `readyz`) was made."""
    _LATEST.labels(check, endpoint).set(ok)
    _ALL.labels(check, "success" if ok else "error", endpoint).inc()


def render() -> bytes:
    return EXPOSITION.text(_REGISTRY)
