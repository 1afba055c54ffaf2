"""The horizontal pod autoscaler: scales workloads so that their metrics come near what is wanted of them.

What to do is decided in `decision`, what each metric asks for in `proposals`; here are the reads, the writes
and their order.
Source: pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

from apimachinery import scheme
from apimachinery.objects import NamespacedName, Object, key_of
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from controller_manager.context import ControllerContext
from controller_manager.horizontal_pod_autoscaler import metrics
from controller_manager.horizontal_pod_autoscaler.calculator import Calculator
from controller_manager.horizontal_pod_autoscaler.decision import (
    ABLE,
    ACTIVE,
    Decision,
    Report,
    decide_by_bounds,
    decide_by_metrics,
    judge,
)
from controller_manager.horizontal_pod_autoscaler.history import History
from controller_manager.horizontal_pod_autoscaler.kinds import Kinds
from controller_manager.horizontal_pod_autoscaler.proposals import MetricFailed, Proposal, Target, propose
from controller_manager.horizontal_pod_autoscaler.rest_metrics import RestMetrics
from controller_manager.horizontal_pod_autoscaler.scales import Scale, Scales, Unscalable
from controller_manager.horizontal_pod_autoscaler.selection import Selection, Unselectable
from controller_manager.horizontal_pod_autoscaler.settings import Settings, Tolerances
from controller_manager.options import Options
from controller_manager.status_writer import write_status

log = logging.getLogger(__name__)

_GOT_SCALE = "the HPA controller was able to get the target's current scale"
_NO_SCALE = "the HPA controller was unable to get the target's current scale: "
_SCALED = "the HPA controller was able to update the target scale to "
_NOT_SCALED = "the HPA controller was unable to update the target scale: "


class HorizontalPodAutoscalerController:
    """Sees to every autoscaler once in a sync period."""

    name: ClassVar[str] = "horizontal-pod-autoscaler-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._autoscalers = context.informers.informer(scheme.HORIZONTAL_POD_AUTOSCALERS)
        self._recorder = context.recorder("horizontal-pod-autoscaler")
        self._settings = settings_of(context.options)
        kinds = Kinds(context.client)
        self._scales = Scales(context.client, kinds)
        self._metrics = RestMetrics(context.client, kinds)
        self._selection = Selection(context.informers.informer(scheme.PODS).list)
        self._histories: dict[NamespacedName, History] = {}

    def watches(self) -> list[Watch]:
        return [Watch(self._autoscalers, by_name, _is_news)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        autoscaler = self._autoscalers.get(key)
        if autoscaler is None:
            self._histories.pop(key, None)
            self._selection.forget(key)
            return None
        report, began = Report(autoscaler, self._now()), _loop_time()
        status = await self._autoscale(autoscaler, report)
        metrics.count_reconciliation(report.action, _loop_time() - began, failed=bool(report.warnings))
        for reason, message in report.warnings:
            self._recorder.event(autoscaler, WARNING, reason, message)
        await write_status(self._client, scheme.HORIZONTAL_POD_AUTOSCALERS, autoscaler, status)
        return self._settings.sync_period

    async def _autoscale(self, autoscaler: Object, report: Report) -> Object:
        """The new status."""
        try:
            scale = await self._scales.of(autoscaler)
        except Unscalable as error:
            report.warn("FailedGetScale", str(error))
            report.set(ABLE, to=False, reason="FailedGetScale", message=f"{_NO_SCALE}{error}")
            return report.without_scale()
        report.set(ABLE, to=True, reason="SucceededGetScale", message=_GOT_SCALE)
        history = self._histories.setdefault(key_of(autoscaler), History())
        history.begin(scale.replicas, self._now())
        decision = decide_by_bounds(autoscaler, scale.replicas, report)
        if decision is None:
            decision = await self._decide_by_metrics(autoscaler, scale, history, report)
        if decision.desired is None or decision.desired == scale.replicas:
            return report.status(decision)
        return await self._rescale(autoscaler, scale, decision, report)

    async def _decide_by_metrics(
        self, autoscaler: Object, scale: Scale, history: History, report: Report
    ) -> Decision:
        current, now = scale.replicas, self._now()
        try:
            selector, pods = self._selection.select(key_of(autoscaler), scale.selector)
        except Unselectable as error:
            report.warn(error.event, str(error))
            report.set(ACTIVE, to=False, reason=error.reason, message=error.message)
            report.warn("FailedComputeMetricsReplicas", str(error))
            return Decision(current, None)
        calculator = Calculator(current, pods, self._settings.heeding(autoscaler), now)
        target = Target(autoscaler, selector, scale.status_replicas, calculator)
        outcomes = [await self._outcome(target, each) for each in autoscaler["spec"].get("metrics") or ()]
        judged = judge(outcomes, current, report)
        return decide_by_metrics(autoscaler, current, judged, history, self._settings, report, now)

    async def _outcome(self, target: Target, metric: Object) -> Proposal | MetricFailed:
        action, began = metrics.NO_ACTION, _loop_time()
        outcome: Proposal | MetricFailed
        try:
            outcome = await propose(self._metrics, target, metric)
            action = metrics.action_of(target.calculator.current, outcome.replicas)
        except MetricFailed as failure:
            log.info("Metric failed: error=%s", failure)
            outcome = failure
        failed = isinstance(outcome, MetricFailed)
        metrics.count_computation(metric.get("type", ""), action, _loop_time() - began, failed=failed)
        return outcome

    async def _rescale(self, autoscaler: Object, scale: Scale, decision: Decision, report: Report) -> Object:
        desired = decision.desired
        assert desired is not None, "something was decided"
        what = f"New size: {desired}; reason: {decision.reason}"
        try:
            await self._scales.set(scale, desired)
        except Unscalable as error:
            report.warn("FailedRescale", f"{what}; error: {error}")
            report.set(ABLE, to=False, reason="FailedUpdateScale", message=f"{_NOT_SCALED}{error}")
            return report.status(Decision(decision.current, None, metrics=decision.metrics))
        report.set(ABLE, to=True, reason="SucceededRescale", message=f"{_SCALED}{desired}")
        self._recorder.event(autoscaler, NORMAL, "SuccessfulRescale", what)
        self._histories[key_of(autoscaler)].change(desired - decision.current, self._now())
        report.action = metrics.action_of(decision.current, desired)
        log.info("Rescaled: from=%d to=%d reason=%s", decision.current, desired, decision.reason)
        return report.status(decision, rescaled=True)


def settings_of(options: Options) -> Settings:
    tolerance = options.horizontal_pod_autoscaler_tolerance
    return Settings(
        sync_period=options.horizontal_pod_autoscaler_sync_period,
        downscale_stabilization=options.horizontal_pod_autoscaler_downscale_stabilization,
        tolerances=Tolerances(tolerance, tolerance),
        cpu_initialization=options.horizontal_pod_autoscaler_cpu_initialization_period,
        initial_readiness=options.horizontal_pod_autoscaler_initial_readiness_delay,
    )


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _is_news(old: Object | None, new: Object | None) -> bool:
    """Its own status is none: time brings it back."""
    return old is None or new is None or old["spec"] != new["spec"]
