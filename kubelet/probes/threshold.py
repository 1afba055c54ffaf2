"""When a probe's attempts change its verdict: thresholds as a pure step."""

from __future__ import annotations

from dataclasses import dataclass

from apimachinery.objects import Object
from kubelet.probes.outcome import Outcome, ProbeKind


@dataclass(frozen=True, slots=True)
class ProbeState:
    """The verdict in force, and how often the last outcome has come in a row."""

    verdict: bool | None
    last: bool | None = None
    run: int = 0


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe's numbers, with upstream's defaults."""

    initial_delay: float
    period: float
    timeout: float
    success_threshold: int
    failure_threshold: int
    grace: int | None


def spec_of(probe: Object) -> ProbeSpec:
    return ProbeSpec(
        initial_delay=probe.get("initialDelaySeconds") or 0,
        period=probe.get("periodSeconds") or 10,
        timeout=probe.get("timeoutSeconds") or 1,
        success_threshold=probe.get("successThreshold") or 1,
        failure_threshold=probe.get("failureThreshold") or 3,
        grace=probe.get("terminationGracePeriodSeconds"),
    )


def first_state(kind: ProbeKind) -> ProbeState:
    """Alive until proven otherwise, not ready until proven otherwise, not known whether started."""
    return ProbeState({ProbeKind.LIVENESS: True, ProbeKind.READINESS: False}.get(kind))


def step(state: ProbeState, outcome: Outcome, spec: ProbeSpec) -> ProbeState:
    """After one more attempt. What could not be attempted counts for nothing."""
    if outcome is Outcome.UNKNOWN:
        return state
    good = outcome is not Outcome.FAILURE
    run = state.run + 1 if good == state.last else 1
    enough = spec.success_threshold if good else spec.failure_threshold
    return ProbeState(good if run >= enough else state.verdict, good, run)


def is_final(kind: ProbeKind, state: ProbeState) -> bool:
    """Whether this container need not be probed any more: it has started, or is going to be killed."""
    if kind is ProbeKind.STARTUP:
        return state.verdict is not None
    return kind is ProbeKind.LIVENESS and state.verdict is False
