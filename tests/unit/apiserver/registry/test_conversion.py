"""Resources of two API versions: nothing gets lost on the way there and back."""

from __future__ import annotations

import json

import pytest

from apimachinery.objects import Object, annotations_of, deep_copy
from apimachinery.scheme import EVENTS_V1, HORIZONTAL_POD_AUTOSCALERS_V1, PODS
from apiserver.registry.conversion import conversion_of

EVENT = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "e", "namespace": "ns"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "regarding": {"kind": "Pod", "name": "p"},
    "note": "hello",
    "reason": "R",
    "reportingController": "c",
    "reportingInstance": "c-1",
    "deprecatedCount": 3,
}
AUTOSCALER = {
    "apiVersion": "autoscaling/v1",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "h"},
    "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80},
    "status": {"currentReplicas": 1, "currentCPUUtilizationPercentage": 40, "desiredReplicas": 1},
}


def test_an_event_is_stored_in_the_core_form() -> None:
    conversion = conversion_of(EVENTS_V1)
    assert conversion is not None
    stored = conversion.to_stored(deep_copy(EVENT))
    assert (stored["apiVersion"], stored["message"], stored["count"]) == ("v1", "hello", 3)
    assert (stored["involvedObject"], stored["reportingComponent"]) == (EVENT["regarding"], "c")
    assert conversion.from_stored(stored) == EVENT


def test_an_autoscaler_is_stored_with_metrics() -> None:
    conversion = conversion_of(HORIZONTAL_POD_AUTOSCALERS_V1)
    assert conversion is not None
    stored = conversion.to_stored(deep_copy(AUTOSCALER))
    target = {"type": "Utilization", "averageUtilization": 80}
    assert stored["spec"]["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    shown = conversion.from_stored(stored)
    assert (shown["spec"], shown["status"]) == (AUTOSCALER["spec"], AUTOSCALER["status"])


def test_what_v1_does_not_know_travels_in_annotations() -> None:
    conversion = conversion_of(HORIZONTAL_POD_AUTOSCALERS_V1)
    assert conversion is not None
    for part in V2:
        stored: Object = {**AUTOSCALER, "apiVersion": "autoscaling/v2", **deep_copy(part)}
        stored["spec"] = {"maxReplicas": 3, **stored["spec"]}
        shown = conversion.from_stored(deep_copy(stored))
        assert not {"metrics", "behavior"} & shown["spec"].keys()
        assert not {"currentMetrics", "conditions"} & shown["status"].keys()
        assert conversion.to_stored(shown) == stored


def test_v1_has_both_numbers_of_replicas_though_they_are_zero() -> None:
    conversion = conversion_of(HORIZONTAL_POD_AUTOSCALERS_V1)
    assert conversion is not None
    stored: Object = {**AUTOSCALER, "status": {"currentMetrics": None, "desiredReplicas": 0}}
    assert conversion.from_stored(stored)["status"] == {"currentReplicas": 0, "desiredReplicas": 0}


INGRESS = {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"}
QPS = {"name": "qps", "selector": {"matchLabels": {"a": "b"}}}
CPU = {"name": "cpu", "current": {"averageUtilization": 40, "averageValue": "40m"}}
POLICY = {"type": "Pods", "value": 4, "periodSeconds": 15}
V2: tuple[Object, ...] = (
    {
        "spec": {
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Mi"}},
                },
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 5},
                        "container": "c",
                    },
                },
                {
                    "type": "Pods",
                    "pods": {"metric": QPS, "target": {"type": "AverageValue", "averageValue": "1"}},
                },
                {
                    "type": "Object",
                    "object": {
                        "describedObject": INGRESS,
                        "metric": QPS,
                        "target": {"type": "Value", "value": "2"},
                    },
                },
                {
                    "type": "Object",
                    "object": {
                        "describedObject": INGRESS,
                        "metric": {"name": "qps"},
                        "target": {"type": "AverageValue", "averageValue": "2"},
                    },
                },
                {
                    "type": "External",
                    "external": {"metric": QPS, "target": {"type": "Value", "value": "2"}},
                },
            ],
            "behavior": {
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "selectPolicy": "Max",
                    "policies": [POLICY],
                },
            },
        },
        "status": {
            "currentReplicas": 1,
            "desiredReplicas": 2,
            "currentMetrics": [
                {"type": "Resource", "resource": CPU},
                {"type": ""},
                {"type": "External", "external": {"metric": QPS, "current": {"averageValue": "2"}}},
            ],
            "conditions": [{"type": "AbleToScale", "status": "True", "lastTransitionTime": None}],
        },
    },
)


def test_annotations_have_the_form_of_v1s_own_types() -> None:
    conversion = conversion_of(HORIZONTAL_POD_AUTOSCALERS_V1)
    assert conversion is not None
    shown = conversion.from_stored({**AUTOSCALER, **deep_copy(V2[0])})
    assert shown["status"]["currentCPUUtilizationPercentage"] == 40
    kept = {key.rpartition("/")[2]: json.loads(text) for key, text in annotations_of(shown).items()}
    selector = QPS["selector"]
    assert kept["metrics"] == [
        {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Mi"}},
        {
            "type": "ContainerResource",
            "containerResource": {"name": "cpu", "targetAverageUtilization": 5, "container": "c"},
        },
        {"type": "Pods", "pods": {"metricName": "qps", "targetAverageValue": "1", "selector": selector}},
        {
            "type": "Object",
            "object": {"target": INGRESS, "metricName": "qps", "targetValue": "2", "selector": selector},
        },
        {
            "type": "Object",
            "object": {"target": INGRESS, "metricName": "qps", "targetValue": "0", "averageValue": "2"},
        },
        {
            "type": "External",
            "external": {"metricName": "qps", "metricSelector": selector, "targetValue": "2"},
        },
    ]
    assert kept["current-metrics"] == [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "currentAverageUtilization": 40, "currentAverageValue": "40m"},
        },
        {"type": ""},
        {
            "type": "External",
            "external": {
                "metricName": "qps",
                "metricSelector": selector,
                "currentValue": "0",
                "currentAverageValue": "2",
            },
        },
    ]
    policy = {"Type": "Pods", "Value": 4, "PeriodSeconds": 15}
    up = {"StabilizationWindowSeconds": 0, "SelectPolicy": "Max", "Policies": [policy], "Tolerance": None}
    assert kept["behavior"] == {"ScaleUp": up, "ScaleDown": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "7",
        "[7]",
        "null",
        '{"ScaleUp": 7}',
        '[{"type": "Pods", "pods": 7, "status": 1}]',
        '[{"type": 7}]',
    ],
)
def test_annotations_that_make_no_sense_are_dropped(text: str) -> None:
    conversion = conversion_of(HORIZONTAL_POD_AUTOSCALERS_V1)
    assert conversion is not None
    names = ("metrics", "current-metrics", "behavior", "conditions")
    annotations = {f"autoscaling.alpha.kubernetes.io/{name}": text for name in names}
    obj = {**deep_copy(AUTOSCALER), "metadata": {"name": "h", "annotations": annotations}}
    assert conversion.to_stored(obj) == conversion.to_stored(deep_copy(AUTOSCALER))


def test_most_resources_are_stored_as_they_are_served() -> None:
    assert conversion_of(PODS) is None
