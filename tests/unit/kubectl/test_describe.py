"""Descriptions: alignment, and whole texts of the kinds people look at."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery import scheme
from kubectl.describe import description_of, render
from kubectl.describe.generic import label_of
from kubectl.describe.services import format_endpoints
from kubectl.describe.writer import align

NOW = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)


def text_of(obj: dict[str, Any], related: dict[str, Any] | None = None, events: Any = ()) -> str:
    resource = scheme.by_kind(obj["apiVersion"], obj["kind"])
    assert resource is not None
    return render(description_of(resource.group_kind), obj, related or {}, list(events), NOW)


@pytest.mark.parametrize(
    ("text", "aligned"),
    [
        ("a\tb\nccc\td\n", "a    b\nccc  d\n"),
        ("a\tb\nplain\nccc\td\n", "a  b\nplain\nccc  d\n"),
        ("a\t\n", "a  \n"),
        ("a\tb\tc\naa\tbbb\tc\n", "a   b    c\naa  bbb  c\n"),
        ("\tx\nkey:\ty\n", "      x\nkey:  y\n"),
    ],
    ids=[
        "one width a column",
        "a line without cells ends it",
        "empty last cell",
        "three columns",
        "empty first",
    ],
)
def test_cells_align_as_gos_tab_writer(text: str, aligned: str) -> None:
    assert align(text) == aligned


def test_a_config_map_is_told_as_kubectl_tells_it() -> None:
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "conf", "namespace": "n", "labels": {"tier": "front", "app": "web"}},
        "data": {"file.ini": "[a]\nb = 1\n", "colour": "blue"},
    }
    assert text_of(obj) == (
        "Name:         conf\nNamespace:    n\nLabels:       app=web\n              tier=front\n"
        "Annotations:  <none>\n\nData\n====\ncolour:\n----\nblue\n\nfile.ini:\n----\n[a]\nb = 1\n\n\n\n"
        "BinaryData\n====\n\nEvents:  <none>\n"
    )


def test_a_pod_without_a_node_is_told_with_its_containers() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": "busybox",
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    ],
                    "livenessProbe": {
                        "httpGet": {"port": 80, "path": "/ok", "scheme": "HTTP"},
                        "periodSeconds": 10,
                    },
                }
            ],
            "tolerations": [
                {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            ],
        },
        "status": {
            "phase": "Pending",
            "qosClass": "BestEffort",
            "conditions": [{"type": "PodScheduled", "status": "False"}],
        },
    }
    text = text_of(pod)
    for line in (
        "Node:         <none>\n",
        "Status:       Pending\n",
        "IPs:          <none>\n",
        "http-get http://:80/ok delay=0s timeout=0s period=10s #success=0 #failure=0\n",
        "    Environment:\n      A:     1\n      B:     p (v1:metadata.name)\n",
        "Tolerations:     k:NoExecute op=Exists for 300s\n",
    ):
        assert line in text


def test_events_are_told_oldest_first_with_how_often() -> None:
    events = [
        {
            "type": "Normal",
            "reason": "Pulled",
            "count": 3,
            "firstTimestamp": "2026-01-01T00:30:00Z",
            "lastTimestamp": "2026-01-01T00:59:00Z",
            "source": {"component": "kubelet"},
            "message": " m ",
            "metadata": {},
        },
        {
            "type": "Warning",
            "reason": "Failed",
            "firstTimestamp": "2026-01-01T00:00:00Z",
            "lastTimestamp": "2026-01-01T00:00:00Z",
            "reportingComponent": "x",
            "message": "n",
            "metadata": {},
        },
    ]
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert text_of(obj, events=events).partition("Events:\n")[2] == (
        "  Type     Reason  Age                From     Message\n"
        "  ----     ------  ----               ----     -------\n"
        "  Warning  Failed  60m                x        n\n"
        "  Normal   Pulled  60s (x3 over 30m)  kubelet  m\n"
    )


def test_kinds_without_a_description_are_told_field_by_field() -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l", "namespace": "n", "uid": "u"},
        "spec": {"holderIdentity": "x", "list": [1, {"a": True}]},
    }
    assert text_of(lease).partition("API Version")[2] == (
        ":  coordination.k8s.io/v1\nKind:         Lease\nMetadata:\n  UID:  u\nSpec:\n  Holder Identity:  x\n"
        "  List:\n    1\n    A:   true\nEvents:  <none>\n"
    )


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("creationTimestamp", "Creation Timestamp"),
        ("uid", "UID"),
        ("apiVersion", "API Version"),
        ("podIP", "Pod IP"),
    ],
)
def test_field_names_become_words(name: str, label: str) -> None:
    assert label_of(name) == label


def test_three_endpoints_are_shown_and_the_rest_counted() -> None:
    endpoints = [{"addresses": [f"10.0.0.{i}"]} for i in range(5)]
    endpoints.append({"addresses": ["10.0.0.9"], "conditions": {"ready": False}})
    slices = [{"ports": [{"name": "http", "port": 80}], "endpoints": endpoints}]
    assert format_endpoints(slices, "http") == "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more..."
    assert format_endpoints(slices, "other") == ""
    assert format_endpoints([], "http") == "<none>"


@pytest.mark.parametrize("resource", scheme.BUILTIN, ids=lambda each: each.group_kind)
def test_every_kind_can_be_described_when_it_is_nearly_empty(resource: scheme.Resource) -> None:
    obj = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": "a", "namespace": "n"},
        "spec": {},
        "roleRef": {"kind": "Role", "name": "r"},
    }
    assert "a" in text_of(obj)


def test_an_autoscaler_is_told_as_kubectl_tells_it() -> None:
    ingress = {"kind": "Ingress", "name": "main"}
    specs: list[dict[str, Any]] = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}},
        {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "32Mi"}}},
        {
            "type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": "c", "target": {"averageUtilization": 60}},
        },
        {"type": "Pods", "pods": {"metric": {"name": "qps"}, "target": {"averageValue": "100m"}}},
        {
            "type": "Object",
            "object": {"metric": {"name": "hits"}, "describedObject": ingress, "target": {"value": "2k"}},
        },
        {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"averageValue": "30"}}},
    ]
    cpu = {"name": "cpu", "current": {"averageUtilization": 180, "averageValue": "180m"}}
    policy = {"type": "Pods", "value": 4, "periodSeconds": 15}
    condition = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "found"}
    obj = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "all", "namespace": "n"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "load"},
            "minReplicas": 2,
            "maxReplicas": 5,
            "metrics": specs,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 20, "policies": [policy]}},
        },
        "status": {
            "currentReplicas": 1,
            "desiredReplicas": 2,
            "currentMetrics": [{"type": "Resource", "resource": cpu}, {"type": ""}],
            "conditions": [condition],
        },
    }
    assert text_of(obj).splitlines()[4:] == [
        "CreationTimestamp:                                                      <unset>",
        "Reference:                                                              Deployment/load",
        "Metrics:                                                                ( current / target )",
        "  resource cpu on pods  (as a percentage of request):                   180% (180m) / 50%",
        "  resource memory on pods:                                              <unknown> / 32Mi",
        '  resource cpu of container "c" on pods  (as a percentage of request):  <unknown> / 60%',
        '  "qps" on pods:                                                        <unknown> / 100m',
        '  "hits" on Ingress/main (target value):                                <unknown> / 2k',
        '  "queue" (target average value):                                       <unknown> / 30',
        "Min replicas:                                                           2",
        "Max replicas:                                                           5",
        "Behavior:",
        "  Scale Down:",
        "    Stabilization Window: 20 seconds",
        "    Select Policy: Max",
        "    Policies:",
        "      - Type: Pods  Value: 4  Period: 15 seconds",
        "Deployment pods:    1 current / 2 desired",
        "Conditions:",
        "  Type           Status  Reason            Message",
        "  ----           ------  ------            -------",
        "  ScalingActive  True    ValidMetricFound  found",
        "Events:          <none>",
    ]
