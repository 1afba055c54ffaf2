"""One of the two steps of admission: each plugin in turn, and how long it took.

Source: pkg/admission/metrics/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Literal

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.admission.attributes import Attributes, Operation
from component_base.metric_families import histogram
from component_base.metrics import Tally

Call = Callable[[Attributes], Awaitable[None]]
"""A plugin's admit or validate."""
Kind = Literal["admit", "validate"]

_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_BY_STEP = ("type", "operation", "rejected")
_BY_PLUGIN = ("name", *_BY_STEP)
_plugins: defaultdict[tuple[str, ...], Tally] = defaultdict(lambda: Tally(_BUCKETS))
_steps: defaultdict[tuple[str, ...], Tally] = defaultdict(lambda: Tally(_BUCKETS))
"""By values of labels, for this process."""
_HELP = "broken out for each operation and API resource and"


class Step:
    """Of one kind of write. Plugins follow each other closely: one look at the clock between two will do."""

    def __init__(self, kind: Kind, operation: Operation, calls: Sequence[tuple[str, Call]]) -> None:
        self._kind, self._operation = kind, operation
        self._calls = [(call, _plugins[name, kind, operation, "false"], name) for name, call in calls]
        self._whole = _steps[kind, operation, "false"]

    async def take(self, attributes: Attributes) -> None:
        """Raises StatusError, of the first plugin that refuses."""
        began = before = perf_counter()
        for call, tally, name in self._calls:
            try:
                await call(attributes)
            except BaseException:
                self._refused(name, began, before)
                raise
            after = perf_counter()
            tally.observe(after - before)
            before = after
        self._whole.observe(before - began)

    def _refused(self, name: str, began: float, before: float) -> None:
        now = perf_counter()
        _plugins[name, self._kind, self._operation, "true"].observe(now - before)
        _steps[self._kind, self._operation, "true"].observe(now - began)


class AdmissionMetrics(Collector):
    """Of all steps that this process has taken."""

    def collect(self) -> Iterator[Metric]:
        yield histogram(
            "apiserver_admission_step_admission_duration_seconds",
            f"Admission sub-step latency histogram in seconds, {_HELP} step type (validate or admit).",
            _BY_STEP,
            _observed(_steps),
        )
        yield histogram(
            "apiserver_admission_controller_admission_duration_seconds",
            f"Admission controller latency histogram in seconds, identified by name and {_HELP} type "
            "(validate or admit).",
            _BY_PLUGIN,
            _observed(_plugins),
        )


def _observed(tallies: Mapping[tuple[str, ...], Tally]) -> list[tuple[tuple[str, ...], Tally]]:
    return [(values, tally) for values, tally in tallies.items() if tally.count]
