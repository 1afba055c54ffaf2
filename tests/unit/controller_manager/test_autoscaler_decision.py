"""What is asked of metrics, what is said when they fail, and what comes of all of them together."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from apimachinery.labels import Selector, parse_selector
from apimachinery.objects import NamespacedName, Object
from controller_manager.horizontal_pod_autoscaler.calculator import Calculator
from controller_manager.horizontal_pod_autoscaler.decision import (
    Decision,
    Report,
    decide_by_bounds,
    decide_by_metrics,
    judge,
)
from controller_manager.horizontal_pod_autoscaler.history import History
from controller_manager.horizontal_pod_autoscaler.metrics import action_of, count_reconciliation
from controller_manager.horizontal_pod_autoscaler.proposals import MetricFailed, Proposal, Target, propose
from controller_manager.horizontal_pod_autoscaler.readings import Readings
from controller_manager.horizontal_pod_autoscaler.selection import Selection, Unselectable
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError, Settings
from tests.unit.controller_manager.builders import NOW
from tests.unit.controller_manager.scaled_pods import pods, read

AUTOSCALER: Object = {"metadata": {"name": "web", "namespace": "ns"}, "spec": {"maxReplicas": 10}}
SELECTOR = parse_selector("app=web")


class Servers:
    """Two pods use 500 and 700 thousandths of everything, and the rest is 9; or nobody answers."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.asked: list[tuple[Any, ...]] = []

    def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.error:
            raise MetricsError(self.error)

    async def resource(self, namespace: str, selector: Selector, name: str, container: str) -> Readings:
        self._note(namespace, str(selector), name, container)
        return read([500, 700])

    async def of_pods(
        self, namespace: str, selector: Selector, name: str, metric_selector: Selector
    ) -> Readings:
        self._note(namespace, str(selector), name, str(metric_selector))
        return read([500, 700])

    async def of_object(self, namespace: str, reference: Object, name: str, metric_selector: Selector) -> int:
        self._note(namespace, reference["name"], name, str(metric_selector))
        return 9000

    async def external(self, namespace: str, name: str, metric_selector: Selector) -> int:
        self._note(namespace, name, str(metric_selector))
        return 9000


def target() -> Target:
    return Target(AUTOSCALER, SELECTOR, 2, Calculator(2, pods(2), Settings(), NOW))


def metric(sort: str, wanted: Object, **source: Any) -> Object:
    kinds = {"Value": "value", "AverageValue": "averageValue", "Utilization": "averageUtilization"}
    [(kind, value)] = wanted.items()
    return {"type": sort, FIELDS[sort]: {**source, "target": {"type": kind, kinds[kind]: value}}}


FIELDS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
QPS = {"metric": {"name": "qps", "selector": {"matchLabels": {"tier": "front"}}}}
INGRESS = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"}
QPS_TEXT = (
    "qps(&LabelSelector{MatchLabels:map[string]string{tier: front,},"
    "MatchExpressions:[]LabelSelectorRequirement{},})"
)

PROPOSALS = {
    "utilization": (
        metric("Resource", {"Utilization": 30}, name="cpu"),
        ("ns", "app=web", "cpu", ""),
        (4, "cpu resource utilization (percentage of request)"),
        {"name": "cpu", "current": {"averageUtilization": 60, "averageValue": "600m"}},
    ),
    "usage": (
        metric("Resource", {"AverageValue": "200m"}, name="cpu"),
        ("ns", "app=web", "cpu", ""),
        (6, "cpu resource"),
        {"name": "cpu", "current": {"averageValue": "600m"}},
    ),
    "of a container": (
        metric("ContainerResource", {"Utilization": 30}, name="cpu", container="c"),
        ("ns", "app=web", "cpu", "c"),
        (4, "cpu container resource utilization (percentage of request)"),
        {"name": "cpu", "container": "c", "current": {"averageUtilization": 60, "averageValue": "600m"}},
    ),
    "of pods": (
        metric("Pods", {"AverageValue": "300m"}, **QPS),
        ("ns", "app=web", "qps", "tier=front"),
        (4, "pods metric qps"),
        {**QPS, "current": {"averageValue": "600m"}},
    ),
    "of an object": (
        metric("Object", {"Value": "3"}, describedObject=INGRESS, **QPS),
        ("ns", "main", "qps", "tier=front"),
        (6, "Ingress metric qps"),
        {"describedObject": INGRESS, **QPS, "current": {"value": "9"}},
    ),
    "of an object, by pod": (
        metric("Object", {"AverageValue": "3"}, describedObject=INGRESS, **QPS),
        ("ns", "main", "qps", "tier=front"),
        (3, f"external metric {QPS_TEXT}"),
        {"describedObject": INGRESS, **QPS, "current": {"averageValue": "4500m"}},
    ),
    "external": (
        metric("External", {"Value": "3"}, metric={"name": "queue"}),
        ("ns", "queue", ""),
        (6, "external metric queue(nil)"),
        {"metric": {"name": "queue"}, "current": {"value": "9"}},
    ),
    "external, by pod": (
        metric("External", {"AverageValue": "3"}, **QPS),
        ("ns", "qps", "tier=front"),
        (3, f"external metric {QPS_TEXT}"),
        {**QPS, "current": {"averageValue": "4500m"}},
    ),
}


@pytest.mark.parametrize(("spec", "asked", "proposed", "status"), PROPOSALS.values(), ids=PROPOSALS.keys())
async def test_what_a_metric_proposes(
    spec: Object, asked: tuple[str, ...], proposed: tuple[int, str], status: Object
) -> None:
    servers, sort = Servers(), spec["type"]
    found = await propose(servers, target(), spec)
    assert servers.asked == [asked]
    assert found == Proposal(*proposed, {"type": sort, FIELDS[sort]: status})


FAILURES = {
    "Resource": (
        metric("Resource", {"Utilization": 30}, name="cpu"),
        "FailedGetResourceMetric",
        "failed to get cpu utilization: unable to get metrics for resource cpu: gone",
        "failed to get cpu resource metric value: ",
    ),
    "ContainerResource": (
        metric("ContainerResource", {"AverageValue": "1"}, name="cpu", container="c"),
        "FailedGetContainerResourceMetric",
        "failed to get cpu usage: unable to get metrics for resource cpu: gone",
        "failed to get c container metric value: ",
    ),
    "Pods": (
        metric("Pods", {"AverageValue": "1"}, **QPS),
        "FailedGetPodsMetric",
        "unable to get metric qps: gone",
        "failed to get pods metric value: ",
    ),
    "Object": (
        metric("Object", {"AverageValue": "3"}, describedObject=INGRESS, **QPS),
        "FailedGetObjectMetric",
        "unable to get metric qps on Ingress ns/main: gone",
        "failed to get object metric value: failed to get qps object metric: ",
    ),
    "External": (
        metric("External", {"Value": "3"}, metric={"name": "queue"}),
        "FailedGetExternalMetric",
        "unable to get external metric ns/queue/nil: gone",
        "failed to get queue external metric value: failed to get external metric queue: ",
    ),
}


@pytest.mark.parametrize(("spec", "reason", "cause", "prefix"), FAILURES.values(), ids=FAILURES.keys())
async def test_what_is_said_when_a_metric_fails(spec: Object, reason: str, cause: str, prefix: str) -> None:
    with pytest.raises(MetricFailed) as caught:
        await propose(Servers("gone"), target(), spec)
    failure = caught.value
    assert (failure.reason, failure.cause, str(failure)) == (reason, cause, prefix + cause)


BOUNDS = {
    "switched off by scaling to zero": (0, Decision(0, 0), "ScalingDisabled"),
    "too many": (11, Decision(11, 10, "Current number of replicas above Spec.MaxReplicas"), ""),
    "too few": (1, Decision(1, 2, "Current number of replicas below Spec.MinReplicas"), ""),
    "within": (2, None, ""),
}


@pytest.mark.parametrize(("current", "expected", "reason"), BOUNDS.values(), ids=BOUNDS.keys())
def test_metrics_do_not_matter_out_of_bounds(current: int, expected: Decision | None, reason: str) -> None:
    obj, report = {**AUTOSCALER, "spec": {"minReplicas": 2, "maxReplicas": 10}}, Report(AUTOSCALER, NOW)
    assert decide_by_bounds(obj, current, report) == expected
    assert [each["reason"] for each in report.conditions] == ([reason] if reason else [])


UP, DOWN = Proposal(6, "up", {"type": "Up"}), Proposal(2, "down", {"type": "Down"})
FAILED = MetricFailed("FailedGetPodsMetric", "gone", "failed to get pods metric value: gone")
INVALID = "invalid metrics (1 invalid out of 2), first error is: failed to get pods metric value: gone"

OUTCOMES = {
    "the largest counts": ([DOWN, UP], 6, "up above target", [], "ValidMetricFound"),
    "none is above": ([DOWN], 2, "All metrics below target", [], "ValidMetricFound"),
    "one fails, another wants more": (
        [FAILED, UP],
        6,
        "up above target",
        ["FailedGetPodsMetric"],
        "ValidMetricFound",
    ),
    "one fails, nobody knows how little is enough": (
        [FAILED, DOWN],
        None,
        "",
        ["FailedGetPodsMetric", "FailedComputeMetricsReplicas"],
        "FailedGetPodsMetric",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_what_comes_of_all_metrics_together(case: Any) -> None:
    outcomes, desired, reason, warnings, active = case
    report = Report(AUTOSCALER, NOW)
    metrics = judge(outcomes, 3, report)
    decision = decide_by_metrics(AUTOSCALER, 3, metrics, History(), Settings(), report, NOW)
    assert (decision.desired, decision.reason) == (desired, reason)
    assert [reason for reason, _ in report.warnings] == warnings
    assert report.conditions[0]["reason"] == active
    texts = [text for reason, text in report.warnings if reason == "FailedComputeMetricsReplicas"]
    assert texts == ([INVALID] if desired is None else [])
    shown = [{"type": ""} if each is FAILED else each.status for each in outcomes]
    assert decision.metrics == shown


def labelled(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}}


SELECTIONS = {
    "none": ("", "SelectorRequired: selector is required"),
    "not a selector": (
        "a in",
        "InvalidSelector: couldn't convert selector into a corresponding internal selector object: "
        "unable to parse requirement: found '' expected: '('",
    ),
    "somebody else's": (
        "app=web",
        "AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [ns/other ns/web]",
    ),
}


@pytest.mark.parametrize(("text", "said"), SELECTIONS.values(), ids=SELECTIONS.keys())
def test_pods_that_cannot_be_told_are_not_scaled(text: str, said: str) -> None:
    selection = Selection(lambda _: [labelled("a", app="web", tier="front")])
    selection.select(NamespacedName("ns", "other"), "tier=front")
    with pytest.raises(Unselectable) as caught:
        selection.select(NamespacedName("ns", "web"), text)
    assert f"{caught.value.event}: {caught.value}" == said


def test_pods_are_selected_by_the_scale() -> None:
    pods = [labelled("a", app="web"), labelled("b", app="db")]
    selection = Selection(lambda _: pods)
    selection.select(NamespacedName("ns", "gone"), "app=web")
    selection.forget(NamespacedName("ns", "gone"))
    assert selection.select(NamespacedName("ns", "web"), "app=web").pods == pods[:1]
    assert selection.select(NamespacedName("elsewhere", "web"), "app=web").pods == pods[:1]


def test_what_is_done_is_counted() -> None:
    assert [action_of(3, desired) for desired in (5, 1, 3, None)] == [
        "scale_up",
        "scale_down",
        "none",
        "none",
    ]
    name = "horizontal_pod_autoscaler_controller_reconciliations_total"
    labels = {"action": "scale_up", "error": "internal"}
    before = REGISTRY.get_sample_value(name, labels) or 0
    count_reconciliation("scale_up", 0.1, failed=True)
    assert REGISTRY.get_sample_value(name, labels) == before + 1
