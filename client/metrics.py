"""Metrics of work queues, requests and leader election, under upstream's names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING

from apimachinery.errors import StatusError
from component_base.metrics import QUEUE_BUCKETS, Counter, Gauge, Histogram
from component_base.rest_metrics import REST

if TYPE_CHECKING:
    from client.requester import Answer

WORKQUEUE_DEPTH = Gauge("workqueue_depth", "Current depth of workqueue", ["name"])
WORKQUEUE_ADDS = Counter("workqueue_adds_total", "Total number of adds handled by workqueue", ["name"])
WORKQUEUE_RETRIES = Counter(
    "workqueue_retries_total", "Total number of retries handled by workqueue", ["name"]
)
WORKQUEUE_QUEUE_SECONDS = Histogram(
    "workqueue_queue_duration_seconds",
    "How long in seconds an item stays in workqueue before being requested.",
    ["name"],
    buckets=QUEUE_BUCKETS,
)
WORKQUEUE_WORK_SECONDS = Histogram(
    "workqueue_work_duration_seconds",
    "How long in seconds processing an item from workqueue takes.",
    ["name"],
    buckets=QUEUE_BUCKETS,
)
UNFINISHED = Gauge(
    "workqueue_unfinished_work_seconds",
    "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large "
    "values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at "
    "which this increases.",
    ["name"],
)
LONGEST = Gauge(
    "workqueue_longest_running_processor_seconds",
    "How many seconds has the longest running processor for workqueue been running.",
    ["name"],
)
LEADER = Gauge(
    "leader_election_master_status",
    "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, "
    "1 indicates master. 'name' is the string used to identify the lease.",
    ["name"],
)


def _delegated(kind: str) -> tuple[Counter, Histogram]:
    name = f"apiserver_delegated_{kind}_request"
    return Counter(
        f"{name}_total", "Number of HTTP requests partitioned by status code.", ["code"]
    ), Histogram(
        f"{name}_duration_seconds",
        "Request latency in seconds. Broken down by status code.",
        ["code"],
        buckets=(0.25, 0.5, 0.7, 1, 1.5, 3, 5, 10),
    )


_REVIEWS = {"authn": _delegated("authn"), "authz": _delegated("authz")}


@contextmanager
def counted_review(kind: str) -> Iterator[None]:
    """A review that the API server is asked for: `authn` or `authz`."""
    requests, seconds = _REVIEWS[kind]
    began, code = perf_counter(), "<error>"
    try:
        yield
        code = str(HTTPStatus.CREATED.value)
    except StatusError as error:
        code = str(error.code)
        raise
    finally:
        requests.labels(code).inc()
        seconds.labels(code).observe(perf_counter() - began)


def count_request(answer: Answer) -> None:
    """What a daemon's client tells of every attempt."""
    verb, host = answer.method, answer.host
    REST.answered(verb, host, answer.status, is_retry=answer.is_retry)
    if not answer.is_stream:
        REST.exchanged(verb, host, answer.seconds, answer.sent, answer.received)
    if answer.waited is not None:
        REST.waited(verb, host, answer.waited)
