"""The other groups: what an apiserver of 1.34.9 said of the same objects, where it was otherwise here."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import deep_copy
from apimachinery.resource import Resource
from tests.fakes.strategies import strategy_for

EVENT: dict[str, Any] = {
    "metadata": {"name": "m", "namespace": "default"},
    "eventTime": "2020-01-01T00:00:00.000000Z",
    "reportingComponent": "x.io/c",
    "reportingInstance": "c-1",
    "action": "Do",
    "reason": "Why",
    "type": "Normal",
}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
CPU = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
CIDRS = ["10.50.0.0/24", "fd00:50::/112"]


def scaler(metric: dict[str, Any], target: dict[str, Any] = TARGET) -> dict[str, Any]:
    return {"spec": {"scaleTargetRef": target, "maxReplicas": 5, "metrics": [metric]}}


def told(resource: Resource, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    strategy = strategy_for(resource)
    for each in (obj, old):
        if each is not None:
            each.setdefault("metadata", {"name": "m"})
            strategy.default(each)
    errors = strategy.validate(obj) if old is None else strategy.validate_update(obj, old)
    return [str(each) for each in errors]


_TYPES = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        pytest.param(
            scheme.HORIZONTAL_POD_AUTOSCALERS,
            scaler({"type": "X", "resource": CPU}),
            [f'spec.metrics[0].type: Unsupported value: "X": {_TYPES}'] * 2,
            id="one metric of an unknown type",
        ),
        pytest.param(
            scheme.HORIZONTAL_POD_AUTOSCALERS,
            scaler({"type": "Resource", "resource": CPU}, {"kind": "Deployment", "name": "d"}),
            ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group'],
            id="a target without a version",
        ),
        pytest.param(
            scheme.HORIZONTAL_POD_AUTOSCALERS,
            scaler({"type": "Resource", "resource": CPU}, {"kind": "ReplicationController", "name": "d"}),
            [],
            id="but for that of the core group",
        ),
        pytest.param(
            scheme.EVENTS_V1,
            EVENT | {"series": {}},
            [
                'series.count: Invalid value: "": should be at least 2',
                "series.lastObservedTime: Required value",
            ],
            id="a series of nothing",
        ),
        pytest.param(
            scheme.EVENTS_V1,
            EVENT | {"count": 3},
            ['count: Invalid value: "": needs to be unset'],
            id="an old field of a new event",
        ),
        pytest.param(
            scheme.EVENTS,
            EVENT | {"action": ""},
            ["action: Required value"],
            id="a timed event in the old form",
        ),
        pytest.param(
            scheme.ENDPOINT_SLICES,
            {
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.1.2.3"], "hints": {"forZones": [{"name": "z"}] * 2}}],
            },
            ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"'],
            id="a zone that is hinted at twice",
        ),
        pytest.param(
            scheme.CSI_NODES,
            {"spec": {"drivers": [{"name": "d", "nodeID": "n", "topologyKeys": ["a/b", "a/b"]}] * 2}},
            [
                'spec.drivers[0]: Duplicate value: "a/b"',
                'spec.drivers[1].name: Duplicate value: "d"',
                'spec.drivers[1]: Duplicate value: "a/b"',
            ],
            id="a driver and its topology twice",
        ),
        pytest.param(
            scheme.CSI_STORAGE_CAPACITIES,
            {"storageClassName": "sc", "capacity": "-1"},
            ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
            id="less than no room",
        ),
        pytest.param(
            scheme.CSI_DRIVERS,
            {"spec": {"volumeLifecycleModes": ["Never"]}},
            ['spec.volumeLifecycleModes: Unsupported value: "Never": '
             'supported values: "Persistent", "Ephemeral"'],
            id="volumes that live otherwise",
        ),
        pytest.param(
            scheme.VOLUME_ATTRIBUTES_CLASSES,
            {"driverName": ""},
            [
                "driverName: Required value",
                "parameters: Required value: must contain at least one key/value pair",
            ],
            id="attributes of nothing",
        ),
        pytest.param(
            scheme.EVENTS_V1,
            EVENT | {"message": 513 * "é"},
            ['message: Invalid value: "": can have at most 1024 characters'],
            id="a message of more bytes than characters",
        ),
        pytest.param(
            scheme.CSI_NODES,
            {"spec": {"drivers": [{"name": "a.b", "nodeID": 129 * "é"}]}},
            [f'spec.drivers[0].nodeID: Invalid value: "{129 * "é"}": must be 256 characters or less'],
            id="a node ID of more bytes than characters",
        ),
        pytest.param(
            scheme.VOLUME_ATTACHMENTS,
            {"spec": {"attacher": "x.io", "nodeName": "n", "source": {"inlineVolumeSpec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}}}},
            [
                "spec.source.inlineVolumeSpec.capacity: Forbidden: "
                "may not be specified in the context of inline volumes",
                "spec.source.inlineVolumeSpec.csi: Required value: "
                "has to be specified in the context of inline volumes",
            ],
            id="a volume that only its attachment tells of",
        ),
        pytest.param(
            scheme.STORAGE_CLASSES,
            {"provisioner": "x", "allowedTopologies": [
                {"matchLabelExpressions": [{"key": "k", "values": ["v"]}]}] * 2},
            ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
            id="a topology twice",
        ),
        pytest.param(
            scheme.VALIDATING_ADMISSION_POLICY_BINDINGS,
            {"spec": {"policyName": "p", "validationActions": ["Deny"],
                      "matchResources": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                                                            "resources": ["pods"]}]}}},
            ["spec.matchResources.resourceRules[0].operations: Required value"],
            id="what a binding matches",
        ),
    ],
)  # fmt: skip
def test_a_new_object_is_judged_as_upstream_does(
    resource: Resource, obj: dict[str, Any], expected: list[str]
) -> None:
    assert told(resource, deep_copy(obj)) == expected


ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}


@pytest.mark.parametrize(
    ("resource", "obj", "old", "expected"),
    [
        pytest.param(
            scheme.SERVICE_CIDRS,
            {"spec": {"cidrs": ["10.51.0.0/24", CIDRS[1]]}},
            {"spec": {"cidrs": CIDRS}},
            ['spec.cidrs[0]: Invalid value: "10.51.0.0/24": field is immutable'],
            id="another range",
        ),
        pytest.param(
            scheme.SERVICE_CIDRS,
            {"spec": {"cidrs": CIDRS}},
            {"spec": {"cidrs": CIDRS[:1]}},
            [],
            id="a range of the other family",
        ),
        pytest.param(
            scheme.CLUSTER_ROLE_BINDINGS,
            {"roleRef": ROLE_REF, "subjects": [{"kind": "User"}]},
            {"roleRef": ROLE_REF},
            ["subjects[0].name: Required value"] * 2,
            id="errors of RBAC twice",
        ),
        pytest.param(
            scheme.EVENTS_V1,
            EVENT | {"reportingInstance": "other"},
            EVENT,
            ['reportingInstance: Invalid value: "other": field is immutable'],
            id="an event of another instance",
        ),
        pytest.param(
            scheme.HORIZONTAL_POD_AUTOSCALERS,
            scaler({"type": "Resource", "resource": CPU}, {"kind": "Deployment", "name": "other"}),
            scaler({"type": "Resource", "resource": CPU}, {"kind": "Deployment", "name": "d"}),
            [],
            id="a target whose version was none before",
        ),
    ],
)
def test_a_change_is_judged_as_upstream_does(
    resource: Resource, obj: dict[str, Any], old: dict[str, Any], expected: list[str]
) -> None:
    assert told(resource, deep_copy(obj), deep_copy(old)) == expected


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        (scheme.NETWORK_POLICIES, {}, {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
        (scheme.LEASES, {}, {"spec": {}}),
        (scheme.ROLES, {}, {"rules": None}),
        (scheme.PRIORITY_CLASSES, {}, {"preemptionPolicy": "PreemptLowerPriority", "value": 0}),
        (
            scheme.EVENTS,
            {"reason": "Why"},
            {
                "reason": "Why",
                "involvedObject": {},
                "source": {},
                "reportingComponent": "",
                "reportingInstance": "",
                **dict.fromkeys(("firstTimestamp", "lastTimestamp", "eventTime")),
            },
        ),
    ],
)
def test_what_upstream_writes_always_is_there(
    resource: Resource, obj: dict[str, Any], expected: dict[str, Any]
) -> None:
    strategy_for(resource).default(obj)
    assert obj == expected


def test_a_slice_forgets_what_only_its_beta_could_say() -> None:
    obj: dict[str, Any] = {"endpoints": [{"addresses": ["10.1.2.3"], "deprecatedTopology": {"a": "b"}}]}
    strategy_for(scheme.ENDPOINT_SLICES).prepare_for_create(obj)
    assert obj == {"endpoints": [{"addresses": ["10.1.2.3"]}]}
