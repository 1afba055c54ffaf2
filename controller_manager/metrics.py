"""What controllers of one file count, under upstream's names; the greater ones have a module of their own.

Source: the metrics.go of cronjob, nodelifecycle, podgc, rootcacertpublisher, tainteviction and
ttlafterfinished, pkg/controller.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from apimachinery.errors import StatusError
from component_base.metrics import LATENCY_BUCKETS, Counter, Gauge, Histogram

CRON_JOB_SKEW = Histogram(
    "cronjob_controller_job_creation_skew_duration_seconds",
    "Time between when a cronjob is scheduled to be run, and when the corresponding job is created",
    buckets=tuple(2.0**power for power in range(10)),
)

NODE_EVICTIONS = Counter(
    "node_collector_evictions_total",
    "Number of Node evictions that happened since current instance of NodeController started.",
    ["zone"],
)
_ZONE_SIZE = Gauge(
    "node_collector_zone_size", "Gauge measuring number of registered Nodes per zones.", ["zone"]
)
_ZONE_HEALTH = Gauge(
    "node_collector_zone_health", "Gauge measuring percentage of healthy nodes per zone.", ["zone"]
)
_UNHEALTHY_NODES = Gauge(
    "node_collector_unhealthy_nodes_in_zone", "Gauge measuring number of not Ready Nodes per zones.", ["zone"]
)

FORCED_DELETIONS = Counter(
    "pod_gc_collector_force_delete_pods_total",
    "Number of pods that are being forcefully deleted since the Pod GC Controller started.",
    ["namespace", "reason"],
)
FORCED_DELETION_ERRORS = Counter(
    "pod_gc_collector_force_delete_pod_errors_total",
    "Number of errors encountered when forcefully deleting the pods since the Pod GC Controller started.",
    ["namespace", "reason"],
)

TAINT_EVICTIONS = Counter(
    "taint_eviction_controller_pod_deletions_total",
    "Total number of Pods deleted by TaintEvictionController since its start.",
)
TAINT_EVICTION_SECONDS = Histogram(
    "taint_eviction_controller_pod_deletion_duration_seconds",
    "Latency, in seconds, between the time when a taint effect has been activated for the Pod and its "
    "deletion via TaintEvictionController.",
    buckets=(0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240),
)

TTL_SECONDS = Histogram(
    "ttl_after_finished_controller_job_deletion_duration_seconds",
    "The time it took to delete the job since it became eligible for deletion",
    buckets=tuple(0.1 * 2**power for power in range(14)),
)

_PUBLICATIONS = Counter(
    "root_ca_cert_publisher_sync_total",
    "Number of namespace syncs happened in root ca cert publisher.",
    ["code"],
)
_PUBLICATION_SECONDS = Histogram(
    "root_ca_cert_publisher_sync_duration_seconds",
    "Number of namespace syncs happened in root ca cert publisher.",
    ["code"],
    buckets=LATENCY_BUCKETS,
)


@contextmanager
def counted_publication() -> Iterator[None]:
    """Around a look at one namespace's copy of the CA."""
    began, code = perf_counter(), 500
    try:
        yield
        code = 200
    except StatusError as error:
        code = error.code
        raise
    finally:
        _PUBLICATIONS.labels(str(code)).inc()
        _PUBLICATION_SECONDS.labels(str(code)).observe(perf_counter() - began)


def tell_zone(zone: str, ready: int, silent: int) -> None:
    """How many nodes of a zone are heard of, and how many are not."""
    NODE_EVICTIONS.labels(zone)
    _ZONE_SIZE.labels(zone).set(ready + silent)
    _ZONE_HEALTH.labels(zone).set(100 * ready / (ready + silent) if ready or silent else 100)
    _UNHEALTHY_NODES.labels(zone).set(silent)
