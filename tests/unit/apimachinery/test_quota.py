"""What objects count against quotas, and which quotas they count against."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from apimachinery.quota.scopes import matches_scopes
from apimachinery.quota.usage import names_of, resource_of, unspecified, usage_of
from apimachinery.resource import Resource

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(*resources: Object, phase: str = "Running", metadata: Object | None = None, **spec: Any) -> Object:
    """A container for each of the resources: a, b, ..."""
    containers = [{"name": "abc"[number], "resources": each} for number, each in enumerate(resources)]
    return {
        "metadata": metadata or {},
        "spec": {"containers": containers, **spec},
        "status": {"phase": phase},
    }


def requests(**amounts: str) -> Object:
    return {"requests": amounts}


GPU = {"requests": {"example.com/gpu": "2"}, "limits": {"example.com/gpu": "2", "cpu": "1"}}
DELETED = {"deletionTimestamp": "2026-01-01T11:59:00Z", "deletionGracePeriodSeconds": 30}


@pytest.mark.parametrize(
    ("resource", "obj", "used"),
    [
        (scheme.LEASES, {}, "count/leases.coordination.k8s.io=1"),
        (scheme.CONFIG_MAPS, {}, "configmaps=1 count/configmaps=1"),
        (scheme.PODS, pod({}), "count/pods=1 pods=1"),
        (
            scheme.PODS,
            pod(requests(cpu="200m"), requests(cpu="300m", memory="1Gi")),
            "count/pods=1 cpu=500m memory=1Gi pods=1 requests.cpu=500m requests.memory=1Gi",
        ),
        (scheme.PODS, pod(GPU), "count/pods=1 limits.cpu=1 pods=1 requests.example.com/gpu=2"),
        (scheme.PODS, pod(requests(cpu="1"), phase="Succeeded"), "count/pods=1"),
        (scheme.PODS, pod(metadata=DELETED), "count/pods=1"),
        (
            scheme.PODS, pod(metadata={**DELETED, "deletionGracePeriodSeconds": 90}), "count/pods=1 pods=1",
        ),
        (scheme.SERVICES, {"spec": {}}, "count/services=1 services=1"),
        (
            scheme.SERVICES,
            {"spec": {"type": "NodePort", "ports": [{}, {}]}},
            "count/services=1 services=1 services.nodeports=2",
        ),
        (
            scheme.SERVICES,
            {"spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{}]}},
            "count/services=1 services=1 services.loadbalancers=1 services.nodeports=0",
        ),
        (
            scheme.PERSISTENT_VOLUME_CLAIMS,
            {"spec": {"storageClassName": "fast", "resources": requests(storage="2Gi")}},
            "count/persistentvolumeclaims=1 fast.storageclass.storage.k8s.io/persistentvolumeclaims=1 "
            "fast.storageclass.storage.k8s.io/requests.storage=2Gi persistentvolumeclaims=1 "
            "requests.storage=2Gi",
        ),
        (
            scheme.RESOURCE_CLAIMS,
            {"spec": {"devices": {"requests": [
                {"name": "a", "exactly": {"deviceClassName": "gpu", "count": 2}},
                {"name": "b", "exactly": {"deviceClassName": "nic", "allocationMode": "All"}},
                {"name": "c", "firstAvailable": [
                    {"deviceClassName": "gpu", "count": 1}, {"deviceClassName": "gpu", "count": 3},
                ]},
            ]}}},
            "count/resourceclaims.resource.k8s.io=1 gpu.deviceclass.resource.k8s.io/devices=5 "
            "nic.deviceclass.resource.k8s.io/devices=32",
        ),
    ],
)  # fmt: skip
def test_usage(resource: Resource, obj: Object, used: str) -> None:
    found = usage_of(resource, obj, NOW)
    assert " ".join(f"{name}={amount}" for name, amount in sorted(found.items())) == used


def test_names_belong_to_resources() -> None:
    hard = [
        "pods", "cpu", "limits.memory", "requests.example.com/gpu", "hugepages-2Mi", "services.nodeports",
        "count/deployments.apps", "secrets", "fast.storageclass.storage.k8s.io/requests.storage",
    ]  # fmt: skip
    assert names_of(scheme.PODS, hard) == sorted(hard[:5])
    assert names_of(scheme.SERVICES, hard) == ["services.nodeports"]
    assert names_of(scheme.DEPLOYMENTS, hard) == ["count/deployments.apps"]
    assert resource_of("secrets") == scheme.SECRETS
    assert resource_of(hard[-1]) == scheme.PERSISTENT_VOLUME_CLAIMS
    assert resource_of("count/gizmos.example.com") is None


def test_what_a_quota_asks_for_must_be_said_by_each_container() -> None:
    one = pod(requests(cpu="1"), {})
    assert unspecified(one, ["requests.cpu", "pods"]) == "requests.cpu for: b"
    assert (
        unspecified(one, ["requests.cpu", "limits.memory"]) == "limits.memory for: a,b; requests.cpu for: b"
    )
    assert unspecified(pod({}, resources={"requests": {"cpu": "1"}}), ["requests.cpu"]) == ""


def expression(scope: str, operator: str, *values: str) -> Object:
    return {
        "scopeSelector": {"matchExpressions": [{"scopeName": scope, "operator": operator, "values": values}]}
    }


FAR = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["x"]}]}}


@pytest.mark.parametrize(
    ("spec", "obj", "matches"),
    [
        ({}, pod({}), True),
        ({"scopes": ["Terminating"]}, pod({}), False),
        ({"scopes": ["Terminating"]}, pod({}, activeDeadlineSeconds=5), True),
        ({"scopes": ["NotTerminating", "BestEffort"]}, pod({}), True),
        ({"scopes": ["NotTerminating", "BestEffort"]}, pod(requests(cpu="1")), False),
        ({"scopes": ["NotBestEffort"]}, pod(requests(cpu="1")), True),
        (expression("PriorityClass", "In", "high"), pod({}, priorityClassName="high"), True),
        (expression("PriorityClass", "NotIn", "high"), pod({}, priorityClassName="high"), False),
        (expression("PriorityClass", "Exists"), pod({}), False),
        (expression("PriorityClass", "DoesNotExist"), pod({}), True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, pod({}, affinity=FAR), True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, pod({}), False),
    ],
)
def test_scopes(spec: Object, obj: Object, matches: bool) -> None:
    assert matches_scopes({"spec": spec}, scheme.PODS, obj) == matches
    assert matches_scopes({"spec": spec}, scheme.SERVICES, {}) == (not spec)


def claim(asked: str = "", *, current: str = "", target: str = "") -> Object:
    status = {
        "currentVolumeAttributesClassName": current,
        "modifyVolumeStatus": {"targetVolumeAttributesClassName": target},
    }
    return {"spec": {"volumeAttributesClassName": asked}, "status": status}


@pytest.mark.parametrize(
    ("spec", "obj", "matches"),
    [
        pytest.param(expression("VolumeAttributesClass", "Exists"), claim(), False, id="it has none"),
        pytest.param(expression("VolumeAttributesClass", "Exists"), claim("gold"), True, id="it has one"),
        pytest.param({"scopes": ["VolumeAttributesClass"]}, claim("gold"), True, id="as a plain scope"),
        pytest.param(expression("VolumeAttributesClass", "DoesNotExist"), claim(), True, id="may have none"),
        pytest.param(expression("VolumeAttributesClass", "In", "gold"), claim("iron"), False, id="another"),
        pytest.param(
            expression("VolumeAttributesClass", "In", "gold"), claim("iron", current="gold"), True,
            id="the one it leaves counts, too",
        ),
        pytest.param(
            expression("VolumeAttributesClass", "In", "gold"), claim("iron", target="gold"), True,
            id="the one it is on its way to counts, too",
        ),
        pytest.param(expression("VolumeAttributesClass", "NotIn", "gold"), claim(), True, id="none"),
        pytest.param({"scopes": ["NotTerminating"]}, claim("gold"), False, id="a scope of pods"),
    ],
)  # fmt: skip
def test_scopes_of_claims(spec: Object, obj: Object, matches: bool) -> None:
    assert matches_scopes({"spec": spec}, scheme.PERSISTENT_VOLUME_CLAIMS, obj) == matches
    assert not matches_scopes({"spec": spec}, scheme.SECRETS, obj)
