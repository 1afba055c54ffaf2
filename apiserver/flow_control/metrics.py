"""apiserver_flowcontrol_*: what priority and fairness tells Prometheus, with upstream's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from apiserver.flow_control.flow_stats import FlowStats, Spread
from apiserver.flow_control.levels import Level, Levels

_PREFIX = "apiserver_flowcontrol_"
_FLOW = ["priority_level", "flow_schema"]
_GAUGES: tuple[tuple[str, str, Callable[[FlowStats], int]], ...] = (
    ("current_inqueue_requests", "Number of requests currently pending in queues of the API Priority and "
     "Fairness subsystem", lambda stats: stats.queued),
    ("current_inqueue_seats", "Number of seats currently pending in queues of the API Priority and Fairness "
     "subsystem", lambda stats: stats.queued_seats),
    ("current_executing_requests", "Number of requests in initial (for a WATCH) or any (for a non-WATCH) "
     "execution stage in the API Priority and Fairness subsystem", lambda stats: stats.executing),
    ("current_executing_seats", "Concurrency (number of seats) occupied by the currently executing requests "
     "in the API Priority and Fairness subsystem", lambda stats: stats.executing_seats),
)  # fmt: skip
_LIMITS: tuple[tuple[str, str, Callable[[Level], int]], ...] = (
    ("nominal_limit_seats", "Nominal number of execution seats configured for each priority level",
     lambda level: level.limits.nominal),
    ("lower_limit_seats", "Configured lower bound on number of execution seats available to each priority "
     "level", lambda level: level.limits.lower),
    ("upper_limit_seats", "Configured upper bound on number of execution seats available to each priority "
     "level", lambda level: level.limits.upper),
    ("current_limit_seats", "current derived number of execution seats available to each priority level",
     lambda level: level.queues.limit),
)  # fmt: skip


class FlowMetrics(Collector):
    def __init__(self, levels: Levels) -> None:
        self._levels = levels

    def collect(self) -> Iterator[Metric]:
        flows = list(self._levels.stats.values())
        yield _dispatched(flows)
        yield _rejected(flows)
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=_FLOW)
            for each in flows:
                gauge.add_metric([each.level, each.schema], value(each))
            yield gauge
        for name, text, limit in _LIMITS:
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=["priority_level"])
            for level in self._levels.levels.values():
                gauge.add_metric([level.name], limit(level))
            yield gauge
        yield _histogram(
            "request_wait_duration_seconds",
            "Length of time a request spent waiting in its queue",
            [([each.level, each.schema, "true"], each.waits) for each in flows],
            "execute",
        )
        yield _histogram(
            "request_execution_seconds",
            "Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in "
            "the API Priority and Fairness subsystem",
            [([each.level, each.schema, "regular"], each.executions) for each in flows],
            "type",
        )


def _dispatched(flows: Iterable[FlowStats]) -> Metric:
    text = "Number of requests executed by API Priority and Fairness subsystem"
    family = CounterMetricFamily(f"{_PREFIX}dispatched_requests", text, labels=_FLOW)
    for each in flows:
        family.add_metric([each.level, each.schema], each.dispatched)
    return family


def _rejected(flows: Iterable[FlowStats]) -> Metric:
    text = "Number of requests rejected by API Priority and Fairness subsystem"
    family = CounterMetricFamily(f"{_PREFIX}rejected_requests", text, labels=[*_FLOW, "reason"])
    for each in flows:
        for reason, count in each.rejected.items():
            family.add_metric([each.level, each.schema, reason], count)
    return family


def _histogram(name: str, text: str, spreads: Iterable[tuple[list[str], Spread]], label: str) -> Metric:
    family = HistogramMetricFamily(_PREFIX + name, text, labels=[*_FLOW, label])
    for labels, spread in spreads:
        total, buckets = 0, []
        for bound, count in zip((*map(str, spread.bounds), "+Inf"), spread.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric(labels, buckets, spread.total)
    return family
