"""The scheduler's metrics, under upstream's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from time import perf_counter

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.metric_families import gauge
from component_base.metrics import LATENCY_BUCKETS, Counter, Gauge, Histogram

SCHEDULED, UNSCHEDULABLE, ERROR = "scheduled", "unschedulable", "error"

SCHEDULE_ATTEMPTS = Counter(
    "scheduler_schedule_attempts_total",
    "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, "
    "while 'error' means an internal scheduler problem.",
    ["result", "profile"],
)
ATTEMPT_DURATION = Histogram(
    "scheduler_scheduling_attempt_duration_seconds",
    "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
    ["result", "profile"],
    buckets=LATENCY_BUCKETS,
)
ALGORITHM_DURATION = Histogram(
    "scheduler_scheduling_algorithm_duration_seconds",
    "Scheduling algorithm latency in seconds",
    buckets=LATENCY_BUCKETS,
)
PENDING_PODS = Gauge(
    "scheduler_pending_pods",
    "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means "
    "number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the "
    "scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the "
    "scheduler never attempted to schedule because they are gated.",
    ["queue"],
)
POD_ATTEMPTS = Histogram(
    "scheduler_pod_scheduling_attempts",
    "Number of attempts to successfully schedule a pod.",
    buckets=(1, 2, 4, 8, 16),
)
POD_SECONDS = Histogram(
    "scheduler_pod_scheduling_sli_duration_seconds",
    "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might "
    "involve multiple scheduling attempts.",
    ["attempts"],
    buckets=tuple(0.01 * 2**power for power in range(20)),
)
CACHE_SIZE = Gauge(
    "scheduler_cache_size",
    "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.",
    ["type"],
)
_MOST_ATTEMPTS = 15
PREEMPTION_ATTEMPTS = Counter(
    "scheduler_preemption_attempts_total", "Total preemption attempts in the cluster till now"
)
PREEMPTION_VICTIMS = Histogram(
    "scheduler_preemption_victims",
    "Number of selected preemption victims",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)


POINT_SECONDS = Histogram(
    "scheduler_framework_extension_point_duration_seconds",
    "Latency for running all plugins of a specific extension point.",
    ["extension_point", "status", "profile"],
    buckets=tuple(0.0001 * 2**power for power in range(12)),
)
QUEUED = Counter(
    "scheduler_queue_incoming_pods_total",
    "Number of pods added to scheduling queues by event and queue type.",
    ["queue", "event"],
)
PERMIT_WAIT_DURATION = Histogram(
    "scheduler_permit_wait_duration_seconds",
    "Duration of waiting on permit.",
    ["result"],
    buckets=LATENCY_BUCKETS,
)


def initialize(profiles: list[str]) -> None:
    """Shows every series from the start."""
    for profile in profiles:
        for result in (SCHEDULED, UNSCHEDULABLE, ERROR):
            SCHEDULE_ATTEMPTS.labels(result, profile)
            ATTEMPT_DURATION.labels(result, profile)


def watch_queue(counts: Callable[[], Mapping[str, int]]) -> None:
    """Reads the queue's lengths whenever metrics are asked for."""
    for queue in counts():
        PENDING_PODS.labels(queue).set_function(partial(_length, counts, queue))


class Rejections(Collector):
    """Which plugins keep pods from being scheduled, looked at when asked."""

    def __init__(self, rejections: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """rejections(): how many pods there are, by plugin and profile."""
        self._rejections = rejections

    def describe(self) -> Iterator[Metric]:
        """Claims no names: several schedulers may live in one process."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield gauge(
            "scheduler_unschedulable_pods",
            "The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for "
            "all plugins that caused it to not schedule and so this metric have meaning only when broken "
            "down by plugin.",
            ["plugin", "profile"],
            self._rejections().items(),
        )


def watch_cache(sizes: Callable[[], Mapping[str, int]]) -> None:
    """Reads how much the scheduler knows whenever metrics are asked for."""
    for kind in sizes():
        CACHE_SIZE.labels(kind).set_function(partial(_length, sizes, kind))


def observe_bound(attempts: int, seconds: float) -> None:
    """A pod has its node, so many seconds after it could first be tried."""
    POD_ATTEMPTS.observe(attempts)
    label = str(attempts) if attempts < _MOST_ATTEMPTS else f"{_MOST_ATTEMPTS}+"
    POD_SECONDS.labels(label).observe(seconds)


class PointTimer:
    """Times the plugins of one extension point; what breaks in there is an Error."""

    __slots__ = ("_begun", "_point", "_profile", "status")

    def __init__(self, point: str, profile: str) -> None:
        self._point, self._profile = point, profile
        self.status = "Success"
        """What the plugins have said together: one of upstream's codes."""

    def __enter__(self) -> PointTimer:
        self._begun = perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        status = "Error" if kind else self.status
        _point(self._point, status, self._profile).observe(perf_counter() - self._begun)


@cache
def _point(point: str, status: str, profile: str) -> Histogram:
    return POINT_SECONDS.labels(point, status, profile)


@cache
def _queued(queue: str, event: str) -> Counter:
    return QUEUED.labels(queue, event)


def count_queued(queue: str, event: str) -> None:
    """A pod has come to a queue."""
    _queued(queue, event).inc()


def _length(counts: Callable[[], Mapping[str, int]], queue: str) -> float:
    return counts()[queue]
