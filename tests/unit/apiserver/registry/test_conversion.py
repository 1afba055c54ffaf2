"""Resources of two API versions: nothing gets lost on the way there and back."""

from __future__ import annotations

from apimachinery.objects import deep_copy
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
    "status": {"currentReplicas": 1, "currentCPUUtilizationPercentage": 40},
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
    assert conversion.from_stored(stored) == AUTOSCALER


def test_what_v1_does_not_know_travels_in_annotations() -> None:
    conversion = conversion_of(HORIZONTAL_POD_AUTOSCALERS_V1)
    assert conversion is not None
    stored = conversion.to_stored(deep_copy(AUTOSCALER))
    stored["spec"] |= {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 1}}}
    shown = conversion.from_stored(deep_copy(stored))
    assert "behavior" not in shown["spec"]
    assert conversion.to_stored(shown)["spec"] == stored["spec"]


def test_most_resources_are_stored_as_they_are_served() -> None:
    assert conversion_of(PODS) is None
