"""apiserver_flowcontrol_*: what priority and fairness tells Prometheus, with upstream's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.flow_control.flow_stats import FlowStats
from apiserver.flow_control.levels import Level, Levels
from component_base.metric_families import counter, gauge, histogram

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
        flows = [((each.level, each.schema), each) for each in self._levels.stats.values()]
        yield counter(
            f"{_PREFIX}dispatched_requests",
            "Number of requests executed by API Priority and Fairness subsystem",
            _FLOW,
            ((flow, stats.dispatched) for flow, stats in flows),
        )
        yield counter(
            f"{_PREFIX}rejected_requests",
            "Number of requests rejected by API Priority and Fairness subsystem",
            [*_FLOW, "reason"],
            (((*flow, reason), count) for flow, stats in flows for reason, count in stats.rejected.items()),
        )
        for name, text, value in _GAUGES:
            yield gauge(_PREFIX + name, text, _FLOW, [(flow, value(stats)) for flow, stats in flows])
        for name, text, limit in _LIMITS:
            limits = [((level.name,), limit(level)) for level in self._levels.levels.values()]
            yield gauge(_PREFIX + name, text, ["priority_level"], limits)
        yield histogram(
            f"{_PREFIX}request_wait_duration_seconds",
            "Length of time a request spent waiting in its queue",
            [*_FLOW, "execute"],
            (((*flow, "true"), stats.waits) for flow, stats in flows),
        )
        yield histogram(
            f"{_PREFIX}request_execution_seconds",
            "Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in "
            "the API Priority and Fairness subsystem",
            [*_FLOW, "type"],
            (((*flow, "regular"), stats.executions) for flow, stats in flows),
        )
