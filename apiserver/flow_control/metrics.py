"""apiserver_flowcontrol_*: what priority and fairness tells Prometheus, with upstream's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.flow_control.demand import Demand
from apiserver.flow_control.flow_stats import FlowStats
from apiserver.flow_control.levels import Level, Levels
from apiserver.flow_control.utilization import Utilization
from component_base.metric_families import counter, gauge, histogram
from component_base.metrics import Tally

_PREFIX = "apiserver_flowcontrol_"
_FLOW = ["priority_level", "flow_schema"]
_Flows = Sequence[tuple[tuple[str, str], FlowStats]]
"""Each under the values of its labels."""
_GAUGES: tuple[tuple[str, str, Callable[[FlowStats], int]], ...] = (
    ("current_inqueue_requests", "Number of requests currently pending in queues of the API Priority and "
     "Fairness subsystem", lambda stats: stats.queued),
    ("current_inqueue_seats", "Number of seats currently pending in queues of the API Priority and Fairness "
     "subsystem", lambda stats: stats.queued_seats),
    ("current_executing_requests", "Number of requests in initial (for a WATCH) or any (for a non-WATCH) "
     "execution stage in the API Priority and Fairness subsystem", lambda stats: stats.executing),
    ("current_executing_seats", "Concurrency (number of seats) occupied by the currently executing (initial "
     "stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem",
     lambda stats: stats.executing_seats),
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
_DEMANDS: tuple[tuple[str, str, Callable[[Demand], float]], ...] = (
    ("demand_seats_high_watermark", "High watermark, over last adjustment period, of demand_seats",
     lambda demand: demand.highest),
    ("demand_seats_average", "Time-weighted average, over last adjustment period, of demand_seats",
     lambda demand: demand.mean),
    ("demand_seats_stdev", "Time-weighted standard deviation, over last adjustment period, of demand_seats",
     lambda demand: demand.deviation),
    ("demand_seats_smoothed", "Smoothed seat demands", lambda demand: demand.smoothed),
)  # fmt: skip
_UTILIZATIONS: tuple[tuple[str, str, dict[str, Callable[[Utilization], Tally]]], ...] = (
    ("priority_level_seat_utilization", "Observations, at the end of every nanosecond, of utilization of "
     "seats for any stage of execution (but only initial stage for WATCHes)",
     {"executing": lambda level: level.seats}),
    ("priority_level_request_utilization", "Observations, at the end of every nanosecond, of number of "
     "requests (as a fraction of the relevant limit) waiting or in any stage of execution (but only initial "
     "stage for WATCHes)",
     {"waiting": lambda level: level.waiting, "executing": lambda level: level.executing}),
)  # fmt: skip
_WORK_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 100)
_WATCHER_BUCKETS = (0, 1, 10, 100, 1000, 10000)
_LENGTH_BUCKETS = (0, 10, 25, 50, 100, 250, 500, 1000)


class FlowMetrics(Collector):
    def __init__(self, levels: Levels) -> None:
        self._levels = levels

    def collect(self) -> Iterator[Metric]:
        flows = [((each.level, each.schema), each) for each in self._levels.stats.values()]
        yield from _outcomes(flows)
        for name, text, value in _GAUGES:
            yield gauge(_PREFIX + name, text, _FLOW, [(flow, value(stats)) for flow, stats in flows])
        for name, text, limit in _LIMITS:
            limits = [((level.name,), limit(level)) for level in self._levels.levels.values()]
            yield gauge(_PREFIX + name, text, ["priority_level"], limits)
        for name, text, part in _DEMANDS:
            demands = [((level.name,), part(level.queues.demand)) for level in self._levels.levels.values()]
            yield gauge(_PREFIX + name, text, ["priority_level"], demands)
        yield from self._allotment()
        yield from self._utilizations()
        yield from _times(flows)
        yield from _sizes(flows)
        yield counter(
            f"{_PREFIX}request_dispatch_no_accommodation",
            "Number of times a dispatch attempt resulted in a non accommodation due to lack of available "
            "seats",
            _FLOW,
            [(flow, stats.unaccommodated) for flow, stats in flows if stats.unaccommodated],
        )

    def _allotment(self) -> Iterator[Metric]:
        allotment = self._levels.allotment
        targets = [((name,), target) for name, target in allotment.targets.items()]
        yield gauge(f"{_PREFIX}target_seats", "Seat allocation targets", ["priority_level"], targets)
        yield gauge(
            f"{_PREFIX}seat_fair_frac",
            "Fair fraction of server's concurrency to allocate to each priority level that can use it",
            [],
            [((), allotment.fair_part)],
        )

    def _utilizations(self) -> Iterator[Metric]:
        """Of the periods that have ended."""
        levels = [(level.name, level.utilization) for level in self._levels.levels.values()]
        for name, text, phases in _UTILIZATIONS:
            yield histogram(
                _PREFIX + name,
                text,
                ["phase", "priority_level"],
                [((phase, level), part(use)) for phase, part in phases.items() for level, use in levels],
            )
        yield histogram(
            f"{_PREFIX}demand_seats",
            "Observations, at the end of every nanosecond, of (the number of seats each priority level could "
            "use) / (nominal number of seats for that level)",
            ["priority_level"],
            [((level,), use.demand) for level, use in levels],
        )


def _outcomes(flows: _Flows) -> Iterator[Metric]:
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


def _times(flows: _Flows) -> Iterator[Metric]:
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
        (
            ((*flow, kind), tally)
            for flow, stats in flows
            for kind, tally in (("regular", stats.executions), ("watch", stats.watches))
            if tally.count
        ),
    )


def _sizes(flows: _Flows) -> Iterator[Metric]:
    """How many seats requests take, watchers they tell, and how long the queues are that they join."""
    yield histogram(
        f"{_PREFIX}work_estimated_seats",
        "Number of estimated seats (maximum of initial and final seats) associated with requests in API "
        "Priority and Fairness",
        _FLOW,
        [(flow, _tally(_WORK_BUCKETS, stats.work)) for flow, stats in flows],
    )
    yield histogram(
        f"{_PREFIX}watch_count_samples",
        "count of watchers for mutating requests in API Priority and Fairness",
        _FLOW,
        [(flow, _tally(_WATCHER_BUCKETS, stats.watchers)) for flow, stats in flows if stats.watchers],
    )
    yield histogram(
        f"{_PREFIX}request_queue_length_after_enqueue",
        "Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is "
        "enqueued",
        _FLOW,
        [
            (flow, _tally(_LENGTH_BUCKETS, stats.queue_lengths))
            for flow, stats in flows
            if stats.queue_lengths
        ],
    )


def _tally(bounds: Sequence[float], counts: Mapping[int, int]) -> Tally:
    """Of how often there was a value."""
    tally = Tally(bounds)
    for value, times in counts.items():
        tally.observe_often(value, times)
    return tally
