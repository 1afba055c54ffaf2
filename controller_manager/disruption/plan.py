"""How many pods of a PodDisruptionBudget may be evicted now. Pure.

Source: pkg/controller/disruption/disruption.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apimachinery.conditions import condition_of, set_condition
from apimachinery.objects import Object, deep_copy, get_path, is_terminating, name_of
from apimachinery.pods import is_ready, is_terminal
from apimachinery.times import format_time, time_or_zero
from controller_manager.scaled_values import scaled_value

DELETION_SECONDS = 120.0
"""For so long an eviction that was allowed counts as one, though the pod isn't being deleted yet."""

ALLOWED, SUFFICIENT, INSUFFICIENT, FAILED = (
    "DisruptionAllowed", "SufficientPods", "InsufficientPods", "SyncFailed",
)  # fmt: skip
DISRUPTION_TARGET = "DisruptionTarget"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many pods there should be, and how many of them must be healthy."""

    pods: int
    healthy: int


def needs_scale(budget: Object) -> bool:
    """Whether the wanted number of pods is their controllers' to say; else it is those that there are."""
    spec = budget["spec"]
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def wanted(budget: Object, pods: Sequence[Object], scale: int) -> Wanted:
    """`scale` is what the controllers of the pods want, together."""
    spec = budget["spec"]
    unavailable, available = spec.get("maxUnavailable"), spec.get("minAvailable")
    if unavailable is not None:
        return Wanted(scale, max(scale - scaled_value(unavailable, scale, up=True), 0))
    if isinstance(available, str):
        return Wanted(scale, scaled_value(available, scale, up=True))
    return Wanted(len(pods), available or 0)


@dataclass(frozen=True, slots=True)
class Disrupted:
    """Pods whose eviction was allowed and hasn't begun yet."""

    pods: Mapping[str, str]
    """Names, and since when."""
    overdue: Sequence[Object]
    """Pods that should be gone by now, but nobody deletes them."""
    wait: float | None
    """Seconds until the next one is overdue."""


def disrupted(budget: Object, pods: Sequence[Object], now: datetime) -> Disrupted:
    since = get_path(budget, "status.disruptedPods", {})
    known: dict[str, str] = {}
    overdue, waits = [], []
    for pod in pods:
        name = name_of(pod)
        if is_terminating(pod) or name not in since:
            continue
        wait = (time_or_zero(since[name]) + timedelta(seconds=DELETION_SECONDS) - now).total_seconds()
        if wait <= 0:
            overdue.append(pod)
        else:
            known[name] = since[name]
            waits.append(wait)
    return Disrupted(known, overdue, min(waits, default=None))


def calculate_status(
    budget: Object, pods: Sequence[Object], want: Wanted, leaving: Mapping[str, str], now: datetime
) -> Object:
    """From the pods that the budget selects, without those that are leaving."""
    healthy = sum(is_ready(pod) and not is_terminating(pod) and name_of(pod) not in leaving for pod in pods)
    allowed = max(healthy - want.healthy, 0) if want.pods > 0 else 0
    status: Object = {
        "observedGeneration": get_path(budget, "metadata.generation", 0),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": want.healthy,
        "expectedPods": want.pods,
        **({"disruptedPods": dict(leaving)} if leaving else {}),
    }
    verdict = ("True", SUFFICIENT) if allowed else ("False", INSUFFICIENT)
    return _with_condition(budget, status, *verdict, "", now)


def failed_status(budget: Object, error: str, now: datetime) -> Object:
    """Nothing is allowed as long as nobody knows."""
    generation = get_path(budget, "metadata.generation", 0)
    status = {**(budget.get("status") or {}), "disruptionsAllowed": 0, "observedGeneration": generation}
    return _with_condition(budget, status, "False", FAILED, error, now)


def _with_condition(
    budget: Object, status: Object, value: str, reason: str, message: str, now: datetime
) -> Object:
    conditions = deep_copy(get_path(budget, "status.conditions", []))
    condition = {
        "type": ALLOWED,
        "status": value,
        "observedGeneration": status["observedGeneration"],
        "reason": reason,
        "message": message,
    }
    set_condition(conditions, condition, format_time(now))
    return {**status, "conditions": conditions}


def stale_after(pod: Object, now: datetime) -> float | None:
    """Seconds until a DisruptionTarget that came to nothing is to be taken back; None if there is none."""
    target = condition_of(pod, DISRUPTION_TARGET)
    if target is None or target["status"] != "True" or is_terminating(pod) or is_terminal(pod):
        return None
    since = time_or_zero(target.get("lastTransitionTime"))
    return (since + timedelta(seconds=DELETION_SECONDS) - now).total_seconds()
