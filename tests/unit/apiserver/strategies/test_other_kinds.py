"""Kinds with few rules: a row or two each."""

from __future__ import annotations

import base64
from contextlib import nullcontext
from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.errors import InvalidError
from apimachinery.objects import Object, deep_copy, get_path
from apimachinery.scheme import Resource
from apiserver.registry import rules
from tests.fakes.strategies import strategy_for
from tests.unit.apiserver.strategies.objects import NOW, created, errors_of, make, strategy, update_errors

FIXED = "Forbidden: field is immutable when `immutable` is set"
TLS = "kubernetes.io/tls"
QUOTA, LIMITS = scheme.RESOURCE_QUOTAS, scheme.LIMIT_RANGES


@pytest.mark.parametrize(
    ("resource", "fields", "expected"),
    [
        pytest.param(
            scheme.CONFIG_MAPS,
            {"data": {"a": "b"}, "binaryData": {"a": ""}},
            ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
            id="one key, one value",
        ),
        pytest.param(
            scheme.CONFIG_MAPS,
            {"data": {"a": "x" * 1048577}},
            ["[]: Too long: may not be more than 1048576 bytes"],
            id="a mebibyte",
        ),
        pytest.param(
            scheme.SECRETS,
            {"type": TLS},
            ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
            id="what a TLS secret holds",
        ),
        pytest.param(
            scheme.ENDPOINTS,
            {"subsets": [{"addresses": [{"ip": "127.0.0.1"}]}]},
            [
                'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ],
            id="no loopback endpoints",
        ),
        pytest.param(
            scheme.ENDPOINT_SLICES,
            {"addressType": "IPv4", "endpoints": [{"addresses": []}]},
            ["endpoints[0].addresses: Required value: must contain at least 1 address"],
            id="an endpoint is somewhere",
        ),
        pytest.param(
            scheme.LEASES,
            {"spec": {"leaseDurationSeconds": 0}},
            ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
            id="a lease lasts",
        ),
        pytest.param(
            scheme.EVENTS,
            {"involvedObject": {"namespace": "elsewhere"}},
            ['involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace'],
            id="an event stays with its object",
        ),
        pytest.param(
            scheme.NODES,
            {"spec": {"taints": [{"key": "a", "effect": "Maybe"}]}},
            [
                'metadata.taints[0].effect: Unsupported value: "Maybe": '
                'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'
            ],
            id="a taint's effect",
        ),
        pytest.param(
            QUOTA,
            {"spec": {"hard": {"pods": "-1"}}},
            ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
            id="a quota is no debt",
        ),
        pytest.param(
            LIMITS,
            {"spec": {"limits": [{"type": "Pod", "default": {"cpu": "1"}}]}},
            ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
            id="pods have no default limit",
        ),
        pytest.param(
            scheme.PRIORITY_CLASSES,
            {"value": 1000000001},
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
            id="priorities of users",
        ),
        pytest.param(
            scheme.ROLES,
            {"rules": [{"apiGroups": [""], "resources": ["pods"]}]},
            ["rules[0].verbs: Required value: verbs must contain at least one value"],
            id="a rule allows something",
        ),
        pytest.param(
            scheme.INGRESSES,
            {"spec": {"rules": [{"http": {"paths": []}}]}},
            ["spec.rules[0].http.paths: Required value"],
            id="an ingress leads somewhere",
        ),
        pytest.param(
            scheme.NETWORK_POLICIES,
            {"spec": {"podSelector": {}, "egress": [{"to": [{}]}]}},
            ["spec.egress[0].to[0]: Required value: must specify a peer"],
            id="a peer is somebody",
        ),
        pytest.param(
            scheme.HORIZONTAL_POD_AUTOSCALERS,
            {"spec": {"maxReplicas": 1, "scaleTargetRef": {}}},
            ["spec.scaleTargetRef.kind: Required value", "spec.scaleTargetRef.name: Required value"],
            id="an autoscaler scales something",
        ),
        pytest.param(
            scheme.PERSISTENT_VOLUME_CLAIMS,
            {"spec": {"accessModes": ["ReadWriteOnce"]}},
            ["spec.resources[storage]: Required value"],
            id="a claim wants some storage",
        ),
        pytest.param(
            scheme.PERSISTENT_VOLUMES,
            {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}},
            ["spec: Required value: must specify a volume type"],
            id="a volume is somewhere",
        ),
    ],
)
def test_what_is_refused(resource: Resource, fields: Object, expected: list[str]) -> None:
    assert errors_of(resource, make(resource, **fields)) == expected


@pytest.mark.parametrize(
    ("resource", "old", "new", "expected"),
    [
        pytest.param(
            scheme.CONFIG_MAPS,
            {"immutable": True, "data": {"a": "1"}},
            {"data": {"a": "2"}},
            [f"immutable: {FIXED}", f"data: {FIXED}"],
            id="immutable config maps",
        ),
        pytest.param(
            scheme.SECRETS,
            {"type": "a"},
            {"type": "b"},
            ['type: Invalid value: "b": field is immutable'],
            id="a secret's type",
        ),
        pytest.param(
            scheme.ROLE_BINDINGS,
            {"roleRef": {"kind": "Role", "name": "r"}},
            {"roleRef": {"kind": "ClusterRole", "name": "r"}},
            [
                'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io",'
                '"kind":"ClusterRole","name":"r"}: cannot change roleRef'
            ],
            id="what a binding gives",
        ),
        pytest.param(
            scheme.NODES,
            {"spec": {"podCIDR": "10.244.0.0/24"}},
            {"spec": {"podCIDR": "10.244.1.0/24"}},
            ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
            id="a node's pod range",
        ),
    ],
)
def test_what_may_not_change(resource: Resource, old: Object, new: Object, expected: list[str]) -> None:
    assert update_errors(resource, make(resource, **old), make(resource, **new)) == expected


@pytest.mark.parametrize(
    ("resource", "fields", "path", "value"),
    [
        pytest.param(
            scheme.NAMESPACES, {}, "spec.finalizers", ["kubernetes"], id="a namespace's own finalizer"
        ),
        pytest.param(scheme.NAMESPACES, {}, "status.phase", "Active", id="a namespace is active"),
        pytest.param(
            scheme.NODES,
            {"status": {"capacity": {"cpu": "1000m"}}},
            "status.allocatable.cpu",
            "1",
            id="all of a node can be had",
        ),
        pytest.param(
            scheme.STORAGE_CLASSES, {"provisioner": "p"}, "reclaimPolicy", "Delete", id="storage class"
        ),
        pytest.param(scheme.PERSISTENT_VOLUME_CLAIMS, {}, "spec.volumeMode", "Filesystem", id="claim"),
        pytest.param(
            scheme.NETWORK_POLICIES,
            {"spec": {"egress": [{}]}},
            "spec.policyTypes",
            ["Ingress", "Egress"],
            id="what a policy is about",
        ),
        pytest.param(scheme.HORIZONTAL_POD_AUTOSCALERS, {}, "spec.minReplicas", 1, id="autoscaler"),
        pytest.param(
            scheme.SECRETS,
            {"stringData": {"a": "b"}},
            "data.a",
            base64.b64encode(b"b").decode(),
            id="plain secrets are encoded",
        ),
        pytest.param(scheme.CSI_DRIVERS, {}, "spec.volumeLifecycleModes", ["Persistent"], id="driver"),
        pytest.param(
            scheme.PRIORITY_CLASSES, {}, "preemptionPolicy", "PreemptLowerPriority", id="priority class"
        ),
    ],
)
def test_what_is_filled_in(resource: Resource, fields: Object, path: str, value: Any) -> None:
    assert get_path(created(resource, make(resource, **fields)), path) == value


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({}, {"currentMetrics": None, "desiredReplicas": 0}, id="nothing is known"),
        pytest.param(
            {"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": []},
            {"desiredReplicas": 0, "currentMetrics": []},
            id="there are none",
        ),
        pytest.param(
            {"currentReplicas": 2, "desiredReplicas": 3, "currentMetrics": None},
            {"currentReplicas": 2, "desiredReplicas": 3, "currentMetrics": None},
            id="there are some",
        ),
    ],
)
def test_the_status_of_an_autoscaler_is_as_gos_type_writes_it(status: Object, expected: Object) -> None:
    autoscaler = make(scheme.HORIZONTAL_POD_AUTOSCALERS, spec={}, status=status)
    strategy_for(scheme.HORIZONTAL_POD_AUTOSCALERS).default(autoscaler)
    assert autoscaler["status"] == expected


CLAIM = {"kind": "PersistentVolumeClaim", "name": "c"}
POPULATOR = {"apiGroup": "example.com", "kind": "Hello", "name": "h"}
ELSEWHERE = {**CLAIM, "namespace": "other"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({}, {"dataSource": CLAIM}, (CLAIM, CLAIM), id="the old name"),
        pytest.param({}, {"dataSourceRef": POPULATOR}, (POPULATOR, POPULATOR), id="the new name"),
        pytest.param({}, {"dataSource": POPULATOR}, (None, None), id="the old name knows few kinds"),
        pytest.param({}, {"dataSourceRef": ELSEWHERE}, (None, None), id="another namespace, which is off"),
        pytest.param(
            {"dataSource": POPULATOR}, {"dataSource": POPULATOR}, (POPULATOR, POPULATOR), id="an old claim"
        ),
        pytest.param(
            {"dataSourceRef": ELSEWHERE}, {"dataSourceRef": ELSEWHERE}, (None, ELSEWHERE), id="from elsewhere"
        ),
    ],
)
def test_what_a_claim_is_filled_with(old: Object, new: Object, expected: tuple[Any, Any]) -> None:
    claim = make(scheme.PERSISTENT_VOLUME_CLAIMS, spec=deep_copy(new))
    rules = strategy(scheme.PERSISTENT_VOLUME_CLAIMS)
    if old:
        rules.prepare_for_update(claim, make(scheme.PERSISTENT_VOLUME_CLAIMS, spec=old))
    else:
        rules.prepare_for_create(claim)
    assert (claim["spec"].get("dataSource"), claim["spec"].get("dataSourceRef")) == expected


DEMAND_A_VERSION = {
    scheme.API_SERVICES,
    scheme.CSI_DRIVERS,
    scheme.CSI_NODES,
    scheme.CSI_STORAGE_CAPACITIES,
    scheme.CUSTOM_RESOURCE_DEFINITIONS,
    scheme.LEASES,
    scheme.MUTATING_WEBHOOK_CONFIGURATIONS,
    scheme.POD_DISRUPTION_BUDGETS,
    scheme.RUNTIME_CLASSES,
    scheme.VALIDATING_ADMISSION_POLICIES,
    scheme.VALIDATING_ADMISSION_POLICY_BINDINGS,
    scheme.VALIDATING_WEBHOOK_CONFIGURATIONS,
    scheme.VOLUME_ATTACHMENTS,
}


@pytest.mark.parametrize("resource", scheme.BUILTIN, ids=lambda r: f"{r.group or 'core'}/{r.plural}")
def test_some_kinds_are_not_updated_without_a_version(resource: Resource) -> None:
    old = make(resource, metadata={"resourceVersion": "5", "uid": "u"})
    demanded = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    with pytest.raises(InvalidError, match=demanded) if resource in DEMAND_A_VERSION else nullcontext():
        rules.check_version(resource, strategy_for(resource), make(resource), old)


@pytest.mark.parametrize(
    ("resource", "labels"),
    [
        (scheme.API_SERVICES, {"a": "old"}),
        (scheme.FLOW_SCHEMAS, {"a": "old"}),
        (scheme.PRIORITY_LEVEL_CONFIGURATIONS, {"a": "old"}),
        (scheme.SERVICE_CIDRS, {"a": "old"}),
        (scheme.VALIDATING_ADMISSION_POLICIES, {"a": "old"}),
        (scheme.POD_DISRUPTION_BUDGETS, {"a": "new"}),
    ],
)
def test_labels_that_an_update_of_the_status_changes(resource: Resource, labels: Object) -> None:
    old, new = (make(resource, metadata={"labels": {"a": each}}, spec={}) for each in ("old", "new"))
    rules.before_update(strategy(resource), new, old, "status")
    assert new["metadata"]["labels"] == labels


@pytest.mark.parametrize(
    ("resource", "changed", "generation"),
    [
        (scheme.ENDPOINT_SLICES, {"metadata": {"labels": {"a": "b"}}}, 2),
        (scheme.ENDPOINT_SLICES, {"ports": [{"port": 1}]}, 2),
        (scheme.ENDPOINT_SLICES, {"metadata": {"annotations": {"a": "b"}}}, 1),
        (scheme.SERVICE_CIDRS, {"spec": {"cidrs": ["10.0.0.0/8"]}}, None),
    ],
)
def test_what_is_a_new_generation(resource: Resource, changed: Object, generation: int | None) -> None:
    old, new = created(resource, make(resource)), make(resource, **changed)
    strategy(resource).default(new)
    rules.before_update(strategy(resource), new, old, "")
    assert new["metadata"].get("generation") == generation


def test_of_an_accounts_secrets_nothing_but_names_is_kept() -> None:
    account = make(scheme.SERVICE_ACCOUNTS, secrets=[{"name": "a", "kind": "Secret", "uid": "u"}, {}])
    assert created(scheme.SERVICE_ACCOUNTS, account)["secrets"] == [{"name": "a"}, {}]


def test_a_namespace_ends_only_through_finalize() -> None:
    stored = created(scheme.NAMESPACES, make(scheme.NAMESPACES, "shop"))
    plain, final = deep_copy(stored), deep_copy(stored)
    plain["spec"] = final["spec"] = {"finalizers": []}
    plain, final = deep_copy(plain), deep_copy(final)
    strategy(scheme.NAMESPACES).prepare_for_update(plain, stored)
    strategy(scheme.NAMESPACES).for_subresource("finalize").prepare_for_update(final, stored)
    assert (plain["spec"], final["spec"]) == ({"finalizers": ["kubernetes"]}, {"finalizers": []})


def test_nodes_are_not_configured_any_more() -> None:
    config = {"configMap": {"name": "c"}}
    wanted = make(scheme.NODES, spec={"configSource": config}, status={"config": {"error": "e"}})
    made = created(scheme.NODES, deep_copy(wanted))
    assert "configSource" not in made["spec"]
    assert "config" not in made["status"]
    for old, kept in ((made, False), (wanted, True)):
        spec, status = deep_copy(wanted), deep_copy(wanted)
        strategy(scheme.NODES).prepare_for_update(spec, old)
        strategy(scheme.NODES).prepare_for_status_update(status, old)
        assert ("configSource" in spec["spec"], "config" in status["status"]) == (kept, kept)


def test_only_approval_decides_about_a_certificate() -> None:
    request = make(scheme.CERTIFICATE_SIGNING_REQUESTS, spec={"signerName": "example.com/s"})
    stored = created(scheme.CERTIFICATE_SIGNING_REQUESTS, request)
    wanted = {**stored, "status": {"conditions": [{"type": "Approved", "status": "True"}]}}
    rules = strategy(scheme.CERTIFICATE_SIGNING_REQUESTS)
    by_status, by_approval = deep_copy(wanted), deep_copy(wanted)
    rules.prepare_for_status_update(by_status, stored)
    rules.for_subresource("approval").prepare_for_update(by_approval, stored)
    assert not get_path(by_status, "status.conditions")
    assert get_path(by_approval, "status.conditions")[0]["type"] == "Approved"


def test_endpoints_are_listed_up_to_three() -> None:
    addresses = [{"ip": f"192.0.2.{n}"} for n in range(1, 6)]
    obj = make(scheme.ENDPOINTS, subsets=[{"addresses": addresses, "ports": [{"port": 80}]}])
    text = strategy(scheme.ENDPOINTS).cells(obj, NOW)[1]
    assert text == "192.0.2.1:80,192.0.2.2:80,192.0.2.3:80 + 2 more..."
