"""What the apiserver counts: requests by verb and resource, with upstream's names.

Counting costs one dict look-up and a bisect; Prometheus' own objects are made when somebody scrapes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client.core import Metric
from prometheus_client.registry import REGISTRY, Collector

from apiserver.request import RequestInfo
from apiserver.request_series import BODY_BUCKETS, RequestSeries
from component_base.metric_families import counter, gauge, histogram
from component_base.metrics import Tally

_LABELS = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
_WITHOUT_DRY_RUN = [name for name in _LABELS if name != "dry_run"]
_VERBS = {"create": "POST", "update": "PUT", "deletecollection": "DELETECOLLECTION"}
_KNOWN_VERBS = frozenset((
    "APPLY", "CONNECT", "CREATE", "DELETE", "DELETECOLLECTION", "GET", "LIST", "PATCH", "POST", "PROXY",
    "PUT", "UPDATE", "WATCH", "WATCHLIST",
))  # fmt: skip
"""Those that series may have: clients can make up methods without end."""
_APPLY = "application/apply-patch"
_CONNECT = frozenset(("exec", "attach", "portforward", "proxy"))
_BODY_VERBS = {
    "POST": "create", "PUT": "update", "PATCH": "patch", "APPLY": "patch", "DELETE": "delete",
    "DELETECOLLECTION": "delete_collection",
}  # fmt: skip
_READS = ("GET", "LIST")
"""As series call them; their answers are measured."""

_Series = Sequence[RequestSeries]
Key = tuple[str, str, str, str, str, str, bool, bool]


class Lane(Protocol):
    """Where requests of a kind are counted while they run, and while they wait for that."""

    running: int
    queued: int


class RequestMetrics(Collector):
    """apiserver_request_total and its sisters."""

    def __init__(self) -> None:
        self._series: dict[Key, RequestSeries] = {}
        self._by_labels: dict[tuple[str, ...], RequestSeries] = {}
        self.lanes: Mapping[str, Lane] = {}

    def series(self, info: RequestInfo) -> RequestSeries:
        """Where a request is counted."""
        is_apply = info.verb == "patch" and info.headers.get("content-type", "").startswith(_APPLY)
        key = (
            "apply" if is_apply else info.verb, info.group, info.version, info.plural, info.subresource,
            info.scope, "dryRun" in info.query, info.is_resource,
        )  # fmt: skip
        found = self._series.get(key)
        if found is None:
            # A client that makes up resources must not make up series.
            if info.is_resource and info.resource is None:
                key = (key[0], "", "", "", "", key[5], False, False)
            labels = _labels(key)
            # exec by GET and by POST are one series: CONNECT.
            found = self._series[key] = self._by_labels.setdefault(labels, RequestSeries(labels))
        return found

    def collect(self) -> Iterator[Metric]:
        series = list(self._by_labels.values())
        yield from _ended(series)
        yield from _sized(series)
        yield gauge(
            "apiserver_requested_deprecated_apis",
            "Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, "
            "subresource, and removed_release.",
            ["group", "version", "resource", "subresource", "removed_release"],
            (((*labels, ""), 1) for labels in {each.labels[2:6] for each in series if each.is_deprecated}),
        )
        yield from _under_way(series, self.lanes)


def _ended(series: _Series) -> Iterator[Metric]:
    """How requests came out, and after what time."""
    yield counter(
        "apiserver_request",
        "Counter of apiserver requests broken out for each verb, dry run value, group, version, "
        "resource, scope, component, and HTTP response code.",
        [*_LABELS, "code"],
        (((*each.labels, str(code)), count) for each in series for code, count in each.codes.items()),
    )
    yield histogram(
        "apiserver_request_duration_seconds",
        "Response latency distribution in seconds for each verb, dry run value, group, version, "
        "resource, subresource, scope and component.",
        _LABELS,
        ((each.labels, each.durations) for each in series),
    )
    yield histogram(
        "apiserver_request_sli_duration_seconds",
        "Response latency distribution (not counting webhook duration and priority & fairness queue wait "
        "times) in seconds for each verb, group, version, resource, subresource, scope and component.",
        _WITHOUT_DRY_RUN,
        _merged((each, each.own_durations) for each in series),
    )
    yield counter(
        "apiserver_request_terminations",
        "Number of requests which apiserver terminated in self-defense.",
        [*_WITHOUT_DRY_RUN, "code"],
        _summed(
            ((*each.merged_labels, str(code)), count)
            for each in series
            for code, count in each.terminations.items()
        ).items(),
    )
    yield counter(
        "apiserver_request_aborts",
        "Number of requests which apiserver aborted possibly due to a timeout, for each group, version, "
        "verb, resource, subresource and scope",
        _WITHOUT_DRY_RUN[:-1],
        _summed((each.merged_labels[:-1], each.aborts) for each in series).items(),
    )


def _sized(series: _Series) -> Iterator[Metric]:
    """How large answers to reads were, and the bodies of writes."""
    yield histogram(
        "apiserver_response_sizes",
        "Response size distribution in bytes for each group, version, verb, resource, subresource, scope "
        "and component.",
        _WITHOUT_DRY_RUN,
        _merged((each, each.sizes) for each in series if each.labels[0] in _READS),
    )
    yield histogram(
        "apiserver_request_body_size_bytes",
        "Apiserver request body size in bytes broken out by resource and verb.",
        ["group", "resource", "verb"],
        _body_sizes(series),
    )


def _under_way(series: _Series, lanes: Mapping[str, Lane]) -> Iterator[Metric]:
    """What is served or waits at this moment."""
    yield gauge(
        "apiserver_longrunning_requests",
        "Gauge of all active long-running apiserver requests broken out by verb, group, version, "
        "resource, scope and component. Not all requests are tracked this way.",
        _WITHOUT_DRY_RUN,
        ((each.merged_labels, each.under_way) for each in series if each.is_long_running),
    )
    yield gauge(
        "apiserver_current_inflight_requests",
        "Maximal number of currently used inflight request limit of this apiserver per request kind.",
        ["request_kind"],
        (((kind,), lane.running) for kind, lane in lanes.items()),
    )
    yield gauge(
        "apiserver_current_inqueue_requests",
        "Maximal number of queued requests in this apiserver per request kind.",
        ["request_kind"],
        (((kind,), lane.queued) for kind, lane in lanes.items()),
    )


def _labels(key: Key) -> tuple[str, ...]:
    verb, group, version, resource, subresource, scope, dry_run, is_resource = key
    name = "CONNECT" if subresource in _CONNECT else _VERBS.get(verb, verb.upper())
    name = name if name in _KNOWN_VERBS else "other"
    scope = scope if is_resource else ""
    return (name, "All" if dry_run else "", group, version, resource, subresource, scope, "apiserver")


def _merged(tallies: Iterable[tuple[RequestSeries, Tally]]) -> Iterable[tuple[tuple[str, ...], Tally]]:
    """For a family that does not tell dry runs apart."""
    merged: dict[tuple[str, ...], Tally] = {}
    for series, tally in tallies:
        merged.setdefault(series.merged_labels, Tally(tally.bounds)).add(tally)
    return merged.items()


def _body_sizes(series: _Series) -> Iterable[tuple[tuple[str, ...], Tally]]:
    merged: dict[tuple[str, ...], Tally] = {}
    for each in series:
        verb, _, group, _, resource, *_ = each.labels
        if each.received.count:
            merged.setdefault((group, resource, _BODY_VERBS[verb]), Tally(BODY_BUCKETS)).add(each.received)
    return merged.items()


def _summed(counts: Iterable[tuple[tuple[str, ...], int]]) -> Counter[tuple[str, ...]]:
    """Of a family that does not tell dry runs apart, what there is any of."""
    sums: Counter[tuple[str, ...]] = Counter()
    for labels, count in counts:
        if count:
            sums[labels] += count
    return sums


def register(*collectors: Collector) -> None:
    """Shows their metrics on /metrics of this process."""
    for each in collectors:
        REGISTRY.register(each)
