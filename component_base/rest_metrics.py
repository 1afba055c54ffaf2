"""What is counted of the requests that a daemon makes, with upstream's names.

Counting is a few additions; metrics are made of them when Prometheus asks.

Source: staging/src/k8s.io/component-base/metrics/prometheus/restclient/metrics.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.metric_families import counter, histogram
from component_base.metrics import Tally

NO_ANSWER = "<error>"
"""The code of a request that was not answered."""

_WAIT_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_SIZE_BUCKETS = (64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)


@dataclass(slots=True)
class _Series:
    """Of one verb and host."""

    codes: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    seconds: Tally = field(default_factory=lambda: Tally(_WAIT_BUCKETS))
    waited: Tally = field(default_factory=lambda: Tally(_WAIT_BUCKETS))
    sent: Tally = field(default_factory=lambda: Tally(_SIZE_BUCKETS))
    received: Tally = field(default_factory=lambda: Tally(_SIZE_BUCKETS))


class RestMetrics(Collector):
    def __init__(self) -> None:
        self._series: dict[tuple[str, str], _Series] = {}

    def _of(self, verb: str, host: str) -> _Series:
        found = self._series.get((verb, host))
        if found is None:
            found = self._series[verb, host] = _Series()
        return found

    def answered(self, verb: str, host: str, code: int, *, is_retry: bool = False) -> None:
        """An attempt has ended; code 0 is without an answer."""
        series, text = self._of(verb, host), str(code or NO_ANSWER)
        series.codes[text] += 1
        if is_retry:
            series.retried[text] += 1

    def exchanged(self, verb: str, host: str, seconds: float, sent: int, received: int | None) -> None:
        """All of an answer has come in so many seconds, or (None) no answer."""
        series = self._of(verb, host)
        series.seconds.observe(seconds)
        series.sent.observe(sent)
        if received is not None:
            series.received.observe(received)

    def waited(self, verb: str, host: str, seconds: float) -> None:
        """For leave of one's own limit, before a request was sent."""
        self._of(verb, host).waited.observe(seconds)

    def collect(self) -> Iterator[Metric]:
        series = list(self._series.items())
        yield counter(
            "rest_client_requests",
            "Number of HTTP requests, partitioned by status code, method, and host.",
            ["code", "method", "host"],
            (((code, *labels), count) for labels, each in series for code, count in each.codes.items()),
        )
        yield counter(
            "rest_client_request_retries",
            "Number of request retries, partitioned by status code, verb, and host.",
            ["code", "verb", "host"],
            (((code, *labels), count) for labels, each in series for code, count in each.retried.items()),
        )
        for name, text, tally_of in _HISTOGRAMS:
            tallies = [(labels, tally_of(each)) for labels, each in series]
            yield histogram(name, text, ["verb", "host"], [each for each in tallies if each[1].count])


_HISTOGRAMS: tuple[tuple[str, str, Callable[[_Series], Tally]], ...] = (
    ("rest_client_request_duration_seconds", "Request latency in seconds. Broken down by verb, and host.",
     lambda each: each.seconds),
    ("rest_client_rate_limiter_duration_seconds",
     "Client side rate limiter latency in seconds. Broken down by verb, and host.", lambda each: each.waited),
    ("rest_client_request_size_bytes", "Request size in bytes. Broken down by verb and host.",
     lambda each: each.sent),
    ("rest_client_response_size_bytes", "Response size in bytes. Broken down by verb and host.",
     lambda each: each.received),
)  # fmt: skip

REST = RestMetrics()
"""Of this process."""
REGISTRY.register(REST)
