"""Cluster DNS's metrics, under CoreDNS's names, so that its dashboards show ours."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from component_base.metrics import Counter, Gauge, Histogram
from kube_dns.exchange import Server

_TIME_BUCKETS = tuple(0.00025 * 2**power for power in range(16))
_SIZE_BUCKETS = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3)
_TYPES = frozenset(
    ("A", "AAAA", "ANY", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NS", "NSEC", "NSEC3", "PTR", "RRSIG", "SOA",
     "SRV", "SVCB", "TXT")
)  # fmt: skip
_ZONE, _VIEW = ".", ""

_REQUESTS = Counter(
    "coredns_dns_requests_total",
    "Counter of DNS requests made per zone, protocol and family.",
    ["server", "zone", "view", "proto", "family", "type"],
)
_DURATION = Histogram(
    "coredns_dns_request_duration_seconds",
    "Histogram of the time (in seconds) each request took per zone.",
    ["server", "zone", "view"],
    buckets=_TIME_BUCKETS,
)
_REQUEST_SIZE = Histogram(
    "coredns_dns_request_size_bytes",
    "Size of the request in bytes per zone and protocol.",
    ["server", "zone", "view", "proto"],
    buckets=_SIZE_BUCKETS,
)
_RESPONSE_SIZE = Histogram(
    "coredns_dns_response_size_bytes",
    "Size of the returned response in bytes.",
    ["server", "zone", "view", "proto"],
    buckets=_SIZE_BUCKETS,
)
_RESPONSES = Counter(
    "coredns_dns_responses_total",
    "Counter of response status codes.",
    ["server", "zone", "view", "rcode", "plugin"],
)
PANICS = Counter("coredns_panics_total", "Counter of questions that failed unexpectedly.")

_CACHE_HITS = Counter("coredns_cache_hits_total", "The count of cache hits.", ["type"])
CACHE_REQUESTS = Counter("coredns_cache_requests_total", "The count of cache requests.")
CACHE_ENTRIES = Gauge("coredns_cache_entries", "The number of elements in the cache.")

_FORWARDED = Histogram(
    "coredns_proxy_request_duration_seconds",
    "Histogram of the time each request took.",
    ["proxy_name", "to", "rcode"],
    buckets=_TIME_BUCKETS,
)
FORWARD_REJECTS = Counter(
    "coredns_forward_max_concurrent_rejects_total",
    "Counter of the number of queries rejected because the concurrent queries were at maximum.",
)


class Account(NamedTuple):
    """The metrics of all requests with the same labels: to find them costs more than to count."""

    requests: Any
    responses: Any
    duration: Any
    request_size: Any
    response_size: Any

    def add(self, asked: int, answered: int, seconds: float) -> None:
        """A request of so many bytes, answered by so many."""
        self.requests.inc()
        self.responses.inc()
        self.duration.observe(seconds)
        self.request_size.observe(asked)
        self.response_size.observe(answered)


def account(server: str, protocol: str, type: str, rcode: str, plugin: str) -> Account:
    """All labels are from closed sets, but `type`, which is anything a client likes."""
    return _account(server, protocol, type if type in _TYPES else "other", rcode, plugin)


@cache
def _account(server: str, protocol: str, type: str, rcode: str, plugin: str) -> Account:
    place = (server, _ZONE, _VIEW)
    family = "2" if "[" in server else "1"
    return Account(
        _REQUESTS.labels(*place, protocol, family, type),
        _RESPONSES.labels(*place, rcode, plugin),
        _DURATION.labels(*place),
        _REQUEST_SIZE.labels(*place, protocol),
        _RESPONSE_SIZE.labels(*place, protocol),
    )


def cache_hit(*, denied: bool) -> None:
    _CACHE_HITS.labels("denial" if denied else "success").inc()


def forwarded(server: Server, rcode: str, seconds: float) -> None:
    _FORWARDED.labels("forward", str(server), rcode).observe(seconds)
