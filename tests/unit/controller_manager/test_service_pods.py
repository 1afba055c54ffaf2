"""The pods behind a Service, seen again and again."""

import pytest

from apimachinery.objects import NamespacedName, Object
from controller_manager import service_pods
from controller_manager.endpoints_plan import PodEndpoint
from controller_manager.service_pods import ServicePods, triggered

SERVICE: Object = {
    "metadata": {"name": "web", "namespace": "ns", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


def pod(name: str, second: str) -> Object:
    ready = [{"type": "Ready", "lastTransitionTime": f"2026-01-01T00:00:{second}Z"}] if second else []
    metadata = {"name": name, "namespace": "ns", "uid": name, "labels": {"app": "web"}}
    status = {"conditions": ready, "podIP": "10.0.0.1"}
    return {"metadata": metadata, "spec": {"containers": [], "nodeName": "n"}, "status": status}


def time_of(behind: ServicePods, *pods: Object) -> str:
    return behind.look(SERVICE, pods, {}, terminating=True)[1]


def test_the_earliest_of_what_is_new_counts() -> None:
    behind = ServicePods()
    steps = [
        ([pod("a", "05")], "00Z", "a new Service counts from when it was made"),
        ([pod("a", "05")], "", "nothing is new"),
        ([pod("a", "05"), pod("b", "09"), pod("c", "07")], "07Z", "two pods are new"),
        ([pod("a", "05"), pod("b", "09")], "", "a pod that has gone is no time"),
        (
            [pod("a", "12"), pod("b", "09"), pod("d", "")],
            "12Z",
            "one has changed, another is not known of yet",
        ),
    ]
    for pods, expected, why in steps:
        assert time_of(behind, *pods)[-3:] == expected, why


def test_a_service_that_was_gone_is_new() -> None:
    behind = ServicePods()
    for _ in range(2):
        assert time_of(behind) == "2026-01-01T00:00:00Z"
        assert time_of(behind) == ""
        behind.forget(NamespacedName("ns", "web"))


def test_an_old_time_is_not_left_behind() -> None:
    noted = triggered({"metadata": {"annotations": {"a": "b"}}}, "2026-01-01T00:00:00Z")
    assert len(noted["metadata"]["annotations"]) == 2
    assert triggered(noted, "") == {"metadata": {"annotations": {"a": "b"}}}


def test_only_what_changed_is_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = service_pods.pod_endpoint

    def counting(service: Object, pod: Object, zone: str, *, terminating: bool) -> PodEndpoint | None:
        asked.append(pod["metadata"]["name"] + zone)
        return original(service, pod, zone, terminating=terminating)

    monkeypatch.setattr(service_pods, "pod_endpoint", counting)
    behind, a, b = ServicePods(), pod("a", "05"), pod("b", "06")
    other = {**pod("c", "07"), "metadata": {"name": "c", "namespace": "ns", "labels": {"app": "other"}}}
    newer = {**b, "status": {**b["status"], "podIP": "10.0.0.2"}}
    service = {**SERVICE, "spec": {**SERVICE["spec"], "ports": [{"port": 81}]}}
    steps: list[tuple[Object, list[Object], dict[str, str], list[str], list[str]]] = [
        (SERVICE, [a, b, other], {}, ["a", "b"], ["10.0.0.1", "10.0.0.1"]),
        (SERVICE, [a, newer, other], {}, ["b"], ["10.0.0.1", "10.0.0.2"]),
        (SERVICE, [newer], {}, [], ["10.0.0.2"]),
        (SERVICE, [newer], {"n": "z"}, ["bz"], ["10.0.0.2"]),
        (service, [newer], {"n": "z"}, ["bz"], ["10.0.0.2"]),
    ]
    for it, pods, zones, expected, ips in steps:
        asked.clear()
        found, _ = behind.look(it, pods, zones, terminating=True)
        assert (asked, [each.ip for each in found]) == (expected, ips)
