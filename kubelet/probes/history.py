"""The last attempts of each probe, for those who ask why a pod is not ready. Nothing is decided from it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from apimachinery.objects import Object
from apimachinery.times import format_micro_time
from component_base.metrics import DEFAULT_BUCKETS, Tally
from kubelet.probes.outcome import Attempt, Outcome, ProbeKind

KEPT = 10
_RESULTS = {
    Outcome.SUCCESS: "successful",
    Outcome.WARNING: "successful",
    Outcome.FAILURE: "failed",
}
"""What could not be attempted counts for nothing, as upstream has it."""
MAX_MESSAGE = 200


class _Result(NamedTuple):
    moment: datetime
    outcome: Outcome
    milliseconds: float
    message: str


@dataclass(slots=True)
class _Probe:
    attempts: int = 0
    results: Counter[str] = field(default_factory=Counter)
    seconds: Tally = field(default_factory=lambda: Tally(DEFAULT_BUCKETS))
    """Of those that succeeded."""
    healthy: bool | None = None
    since: datetime | None = None
    """When the verdict last turned."""
    last: deque[_Result] = field(default_factory=lambda: deque(maxlen=KEPT))


class ProbeHistory:
    """By pod, then by container and kind: what was found before a restart is still there after it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._pods: dict[str, dict[tuple[str, ProbeKind], _Probe]] = {}

    def attempted(
        self, uid: str, container: str, kind: ProbeKind, attempt: Attempt, milliseconds: float
    ) -> None:
        probe = self._probe(uid, container, kind)
        probe.attempts += 1
        if attempt.outcome in _RESULTS:
            probe.results[_RESULTS[attempt.outcome]] += 1
        if _RESULTS.get(attempt.outcome) == "successful":
            probe.seconds.observe(milliseconds / 1000)
        result = _Result(self._now(), attempt.outcome, milliseconds, attempt.message[:MAX_MESSAGE])
        probe.last.append(result)

    def judged(self, uid: str, container: str, kind: ProbeKind, healthy: bool) -> None:
        """The verdict after an attempt; that it turned is what is remembered."""
        probe = self._probe(uid, container, kind)
        if healthy != probe.healthy:
            probe.healthy, probe.since = healthy, self._now()

    def forget(self, uid: str) -> None:
        self._pods.pop(uid, None)

    def of(self, uid: str) -> list[Object]:
        return [_shown(*key, probe) for key, probe in self._pods.get(uid, {}).items()]

    def counts(self, uid: str) -> Iterator[tuple[str, ProbeKind, str, int]]:
        """(container, kind, result as metrics call it, how often)."""
        for (container, kind), probe in self._pods.get(uid, {}).items():
            for result, count in probe.results.items():
                yield container, kind, result, count

    def durations(self, uid: str) -> Iterator[tuple[str, ProbeKind, Tally]]:
        """(container, kind, seconds that successful attempts took)."""
        for (container, kind), probe in self._pods.get(uid, {}).items():
            if probe.seconds.count:
                yield container, kind, probe.seconds

    def _probe(self, uid: str, container: str, kind: ProbeKind) -> _Probe:
        return self._pods.setdefault(uid, {}).setdefault((container, kind), _Probe())


def _shown(container: str, kind: ProbeKind, probe: _Probe) -> Object:
    return {
        "container": container,
        "probe": kind.value,
        "attempts": probe.attempts,
        "failures": probe.results["failed"],
        "healthy": probe.healthy,
        "since": format_micro_time(probe.since) if probe.since else None,
        "last": [
            {
                "time": format_micro_time(each.moment),
                "outcome": each.outcome.value,
                "milliseconds": round(each.milliseconds, 3),
                "message": each.message,
            }
            for each in probe.last
        ],
    }
