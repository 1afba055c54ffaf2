"""The kubelet's metrics, under upstream's names."""

from __future__ import annotations

from component_base.metrics import LATENCY_BUCKETS, Counter, Gauge, Histogram

POD_BUCKETS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600)

PROBE_DURATION = Histogram(
    "prober_probe_duration_seconds", "Duration in seconds for a probe response.", ["probe_type"]
)
POD_START = Histogram(
    "kubelet_pod_start_duration_seconds",
    "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
    buckets=POD_BUCKETS,
)
RUNNING_PODS = Gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox")
RUNNING_CONTAINERS = Gauge(
    "kubelet_running_containers", "Number of containers currently running", ["container_state"]
)
SYNC_DURATION = Histogram(
    "kubelet_pod_worker_duration_seconds",
    "Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync",
    ["operation_type"],
    buckets=LATENCY_BUCKETS,
)
RELIST_DURATION = Histogram(
    "kubelet_pleg_relist_duration_seconds", "Duration in seconds for relisting pods in PLEG."
)
STARTED_CONTAINERS = Counter(
    "kubelet_started_containers", "Cumulative number of containers started", ["container_type"]
)
EVICTIONS = Counter(
    "kubelet_evictions", "Cumulative number of pod evictions by eviction signal", ["eviction_signal"]
)
STARTED_PODS = Counter("kubelet_started_pods", "Cumulative number of pods started")
