"""From observations over time to pressures and to what has to be reclaimed. Pure; times are seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kubelet.eviction.thresholds import Observation, Threshold

Observations = Mapping[str, Observation]
"""By signal."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """What one look leaves for the next."""

    conditions: frozenset[str] = frozenset()
    """Those the node has, or has had a moment ago."""
    due: tuple[Threshold, ...] = ()
    """Met for longer than their grace: something must be reclaimed, for the first of them first."""
    since: Mapping[Threshold, float] = field(default_factory=dict)
    last_seen: Mapping[str, float] = field(default_factory=dict)
    """When a condition last was true."""


def next_pressure(
    before: Pressure,
    thresholds: Sequence[Threshold],
    seen: Observations,
    now: float,
    transition: float,
) -> Pressure:
    """A threshold that was due stays met until its minimum reclaim is free, too.

    A condition goes `transition` seconds after it was last true, so that a node does not flap.
    """
    met = {*thresholds_met(thresholds, seen), *thresholds_met(before.due, seen, with_reclaim=True)}
    since = {each: before.since.get(each, now) for each in met}
    last_seen = {**before.last_seen, **dict.fromkeys((each.condition for each in met), now)}
    due = [each for each in met if now - since[each] >= (each.grace or 0.0)]
    return Pressure(
        conditions=frozenset(name for name, at in last_seen.items() if at == now or now - at < transition),
        due=tuple(sorted(due, key=_urgency)),
        since=since,
        last_seen=last_seen,
    )


def thresholds_met(
    thresholds: Iterable[Threshold], seen: Observations, *, with_reclaim: bool = False
) -> list[Threshold]:
    return [each for each in thresholds if each.signal in seen and _is_met(each, seen, with_reclaim)]


def _is_met(threshold: Threshold, seen: Observations, with_reclaim: bool) -> bool:
    observed = seen[threshold.signal]
    wanted = threshold.value.of(observed.capacity)
    if with_reclaim:
        wanted += threshold.reclaim.of(observed.capacity)
    return observed.available < wanted


def _urgency(threshold: Threshold) -> tuple[bool, bool, str]:
    """Memory first: it runs out the fastest."""
    return (threshold.resource != "memory", not threshold.is_hard, threshold.signal)
