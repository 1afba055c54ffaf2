"""One pass over an autoscaler, once its target's scale and its metrics are known. Pure.

Source: reconcileAutoscaler and computeReplicasForMetrics in pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.conditions import set_condition
from apimachinery.objects import Object, deep_copy
from apimachinery.times import format_time
from controller_manager.horizontal_pod_autoscaler.history import History
from controller_manager.horizontal_pod_autoscaler.metrics import NO_ACTION
from controller_manager.horizontal_pod_autoscaler.normalization import bounds_of, normalize
from controller_manager.horizontal_pod_autoscaler.proposals import MetricFailed, Proposal
from controller_manager.horizontal_pod_autoscaler.settings import Settings

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"
_DISABLED = "scaling is disabled since the replica count of the target is zero"
_UNABLE = "the HPA was unable to compute the replica count: "


class Report:
    """The status as it will be, and the warnings on the way there."""

    def __init__(self, autoscaler: Object, now: datetime) -> None:
        self._old = autoscaler.get("status") or {}
        self._now = format_time(now)
        self.conditions: list[Object] = deep_copy(self._old.get("conditions") or [])
        self.warnings: list[tuple[str, str]] = []
        """Reasons and messages of Events."""
        self.action = NO_ACTION
        """What has been done, for metrics."""

    def set(self, sort: str, *, to: bool, reason: str, message: str) -> None:
        condition = {"type": sort, "status": str(to), "reason": reason, "message": message}
        set_condition(self.conditions, condition, self._now)

    def warn(self, reason: str, message: str) -> None:
        self.warnings.append((reason, message))

    def without_scale(self) -> Object:
        """When it is not known how many replicas there are."""
        return {**self._old, "conditions": self.conditions}

    def status(self, decision: Decision, *, rescaled: bool = False) -> Object:
        """`desiredReplicas` stays what it was if nothing was decided."""
        desired = decision.desired
        last = self._now if rescaled else self._old.get("lastScaleTime")
        metrics = decision.metrics
        return {
            **({"observedGeneration": seen} if (seen := self._old.get("observedGeneration")) else {}),
            **({"lastScaleTime": last} if last else {}),
            "currentReplicas": decision.current,
            "desiredReplicas": self._old.get("desiredReplicas", 0) if desired is None else desired,
            "currentMetrics": None if metrics is None else list(metrics),
            "conditions": self.conditions,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas there are and should be; None if that is not known."""

    current: int
    desired: int | None
    reason: str = ""
    metrics: Sequence[Object] | None = None
    """status.currentMetrics"""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the metrics of an autoscaler ask for together."""

    statuses: Sequence[Object] = ()
    best: Proposal | None = None
    """None if nothing can be decided."""


def decide_by_bounds(autoscaler: Object, current: int, report: Report) -> Decision | None:
    """Where metrics are not asked: there are no replicas, or too many, or too few."""
    bounds = bounds_of(autoscaler)
    if current == 0 and bounds.minimum != 0:
        report.set(ACTIVE, to=False, reason="ScalingDisabled", message=_DISABLED)
        return Decision(current, current)
    if current > bounds.maximum:
        return Decision(current, bounds.maximum, "Current number of replicas above Spec.MaxReplicas")
    if current < bounds.minimum:
        return Decision(current, bounds.minimum, "Current number of replicas below Spec.MinReplicas")
    return None


def judge(outcomes: Sequence[Proposal | MetricFailed], current: int, report: Report) -> Metrics:
    """The largest proposal counts; where a metric failed, only if it does not take replicas away."""
    failed = [each for each in outcomes if isinstance(each, MetricFailed)]
    proposals = [each for each in outcomes if isinstance(each, Proposal)]
    statuses = [each.status if isinstance(each, Proposal) else {"type": ""} for each in outcomes]
    best = max(proposals, key=lambda each: each.replicas, default=None)
    for each in failed:
        report.warn(each.reason, each.cause)
    if failed and (best is None or best.replicas < current):
        report.set(ACTIVE, to=False, reason=failed[0].reason, message=_UNABLE + failed[0].cause)
        counts = f"{len(failed)} invalid out of {len(outcomes)}"
        text = f"invalid metrics ({counts}), first error is: {failed[0]}"
        report.warn("FailedComputeMetricsReplicas", text)
        return Metrics(statuses)
    if best is not None:
        message = f"the HPA was able to successfully calculate a replica count from {best.metric}"
        report.set(ACTIVE, to=True, reason="ValidMetricFound", message=message)
    return Metrics(statuses, best)


def decide_by_metrics(
    autoscaler: Object,
    current: int,
    metrics: Metrics,
    history: History,
    settings: Settings,
    report: Report,
    now: datetime,
) -> Decision:
    """Notes in the history what was proposed."""
    best = metrics.best
    if best is None:
        return Decision(current, None, metrics=metrics.statuses)
    reason = ""
    if best.replicas > current:
        reason = f"{best.metric} above target"
    elif best.replicas < current:
        reason = "All metrics below target"
    found = normalize(autoscaler, current, best.replicas, history, settings, now)
    report.set(ABLE, to=True, reason=found.able[0], message=found.able[1])
    report.set(LIMITED, to=found.is_limited, reason=found.limited[0], message=found.limited[1])
    return Decision(current, found.replicas, reason, metrics.statuses)
