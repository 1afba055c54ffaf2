"""The paths at which metrics are asked for, and what their answers mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from apimachinery.errors import NotFoundError, from_status
from apimachinery.labels import Selector, parse_selector
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apimachinery.times import ZERO_TIME
from client.rest import Client
from controller_manager.horizontal_pod_autoscaler.kinds import Kinds
from controller_manager.horizontal_pod_autoscaler.readings import Reading
from controller_manager.horizontal_pod_autoscaler.rest_metrics import RestMetrics
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError

TAKEN, TIME = "2026-01-02T00:00:00Z", datetime(2026, 1, 2, tzinfo=UTC)
APP, TIER, ALL = parse_selector("app=web"), parse_selector("tier=front"), Selector()
CUSTOM = "/apis/custom.metrics.k8s.io"


class Answers:
    """Answers by path; what is not there is not served."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Any] = {}

    def metrics(self) -> RestMetrics:
        client = cast(Client, self)
        return RestMetrics(client, Kinds(client))

    def serve(self, path: str, *items: Object) -> None:
        self.answers[path] = {"items": list(items)}

    def serve_custom(self, *versions: str) -> None:
        self.answers[CUSTOM] = {"versions": [{"version": each} for each in versions]}

    async def document(self, path: str, *, params: Any = None, headers: Any = None) -> Any:
        if path == "/apis" or path == "/api":
            return {"items": []}
        if path != CUSTOM:
            self.asked.append((path, params))
        if path not in self.answers:
            raise from_status(404, None, "404 page not found\n")
        return self.answers[path]

    async def list(self, resource: Resource, namespace: str, *, label_selector: str) -> Object:
        self.asked.append((resource.path(namespace), {"labelSelector": label_selector}))
        if resource.path(namespace) not in self.answers:
            raise NotFoundError(resource, "x")
        return cast(Object, self.answers[resource.path(namespace)])


def pod_metrics(name: str, **usages: Object) -> Object:
    containers = [{"name": container, "usage": usage} for container, usage in usages.items()]
    return {"metadata": {"name": name}, "timestamp": TAKEN, "window": "15s", "containers": containers}


def value_of(name: str, value: str, **more: Any) -> Object:
    return {"describedObject": {"name": name}, "timestamp": TAKEN, "value": value, **more}


async def test_usage_is_summed_up_where_all_containers_tell_it() -> None:
    servers = Answers()
    web = pod_metrics("web", c={"cpu": "100m", "memory": "1Ki"}, d={"cpu": "1500u"})
    servers.serve("/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods", web, pod_metrics("none"))
    metrics = servers.metrics()
    assert await metrics.resource("ns", APP, "cpu", "") == {"web": Reading(102, TIME, 15.0)}
    assert await metrics.resource("ns", APP, "memory", "") == {}
    assert await metrics.resource("ns", APP, "memory", "c") == {"web": Reading(1024000, TIME, 15.0)}
    assert servers.asked[0][1] == {"labelSelector": "app=web"}


async def test_custom_metrics_of_pods() -> None:
    servers = Answers()
    servers.serve_custom("v1beta1", "v1beta2")
    path = f"{CUSTOM}/v1beta2/namespaces/ns/pods/*/qps"
    untimed = value_of("c", "1") | {"timestamp": None}
    servers.serve(path, value_of("a", "7", windowSeconds=30), value_of("b", "500m"), untimed)
    assert await servers.metrics().of_pods("ns", APP, "qps", TIER) == {
        "a": Reading(7000, TIME, 30.0),
        "b": Reading(500, TIME, 60.0),
        "c": Reading(1000, ZERO_TIME, 60.0),
    }
    assert servers.asked == [(path, {"labelSelector": "app=web", "metricLabelSelector": "tier=front"})]


OBJECTS = {
    "ns/services/web/qps": {"kind": "Service", "name": "web"},
    "ns/deployments.apps/web/qps": {"apiVersion": "apps/v1beta1", "kind": "Deployment", "name": "web"},
    "ns/metrics/qps": {"kind": "Namespace", "name": "ns", "apiVersion": "v1"},
}


@pytest.mark.parametrize(("path", "reference"), OBJECTS.items(), ids=OBJECTS.keys())
async def test_custom_metrics_of_an_object(path: str, reference: Object) -> None:
    servers = Answers()
    servers.serve_custom("v1beta1")
    servers.serve(f"{CUSTOM}/v1beta1/namespaces/{path}", value_of("web", "2"))
    assert await servers.metrics().of_object("ns", reference, "qps", ALL) == 2000
    assert servers.asked == [(f"{CUSTOM}/v1beta1/namespaces/{path}", {})]


async def test_external_metrics_are_summed_up() -> None:
    servers = Answers()
    path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/queue"
    servers.serve(path, {"value": "2"}, {"value": "500m"})
    assert await servers.metrics().external("ns", "queue", TIER) == 2500
    assert servers.asked == [(path, {"labelSelector": "tier=front"})]


async def test_what_is_missing_is_said_in_upstreams_words() -> None:
    async def said(asking: Any) -> str:
        with pytest.raises(MetricsError) as caught:
            await asking
        return str(caught.value)

    servers, unable = Answers(), "unable to fetch metrics from"
    metrics, web = servers.metrics(), {"kind": "Service", "name": "web"}
    unregistered = "custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
    assert await said(metrics.of_pods("ns", APP, "qps", ALL)) == f"{unable} {unregistered}"
    found = "the server could not find the requested resource"
    absent = f"external metrics API: {found} (get queue.external.metrics.k8s.io)"
    assert await said(metrics.external("ns", "queue", ALL)) == f"{unable} {absent}"
    servers.serve_custom("v1beta2")
    unknown = {"apiVersion": "example.org/v1", "kind": "Boat", "name": "x"}
    nobody = 'custom metrics API: no matches for kind "Boat" in group "example.org"'
    assert await said(metrics.of_object("ns", unknown, "qps", ALL)) == f"{unable} {nobody}"
    adapter = f"custom metrics API: {found} (get services.custom.metrics.k8s.io web)"
    assert await said(metrics.of_object("ns", web, "qps", ALL)) == f"{unable} {adapter}"
    for kind in ("pods/*", "services/web"):
        servers.serve(f"{CUSTOM}/v1beta2/namespaces/ns/{kind}/qps")
    servers.serve("/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods")
    servers.serve("/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/queue")
    none = "no metrics returned from {} metrics API"
    assert await said(metrics.of_pods("ns", APP, "qps", ALL)) == none.format("custom")
    assert await said(metrics.resource("ns", APP, "cpu", "")) == none.format("resource")
    assert await said(metrics.external("ns", "queue", ALL)) == none.format("external")
    text = "the custom metrics API server returned 0 results when we asked for exactly one"
    assert await said(metrics.of_object("ns", web, "qps", ALL)) == f"{unable} custom metrics API: {text}"


@pytest.mark.parametrize("item", [{}, {"value": "many"}, {"value": None}, 7], ids=repr)
async def test_a_server_that_talks_nonsense_is_like_one_that_is_away(item: Any) -> None:
    servers = Answers()
    servers.serve("/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/queue", item)
    with pytest.raises(MetricsError, match="the metrics make no sense"):
        await servers.metrics().external("ns", "queue", ALL)
