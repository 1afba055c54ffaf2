"""The FlowSchemas and PriorityLevelConfigurations of every cluster: two of each must be, others are advice.

Source of the figures: pkg/apis/flowcontrol/bootstrap/default.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from apimachinery.objects import Object, annotations_of
from apimachinery.scheme import COORDINATION, FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from apiserver.bootstrap.policy import Wanted

AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"
_API_VERSION = "flowcontrol.apiserver.k8s.io/v1"
_EVERYBODY = ("system:unauthenticated", "system:authenticated")
_SYSTEM_ACCOUNTS: Object = {
    "kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": "kube-system"},
}  # fmt: skip
_ANYTHING: Object = {
    "resourceRules": [{
        "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True,
    }],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}  # fmt: skip
_LEASES: Object = {"apiGroups": [COORDINATION], "resources": ["leases"], "namespaces": ["*"]}


def mandatory() -> list[Wanted]:
    """Levels before schemas."""
    reject: Object = {"lendablePercent": 0, "limitResponse": {"type": "Reject"}}
    exempt: Object = {"nominalConcurrencyShares": 0, "lendablePercent": 0}
    anybody = {"subjects": _groups(*_EVERYBODY), **_ANYTHING}
    return [
        _level("catch-all", {"type": "Limited", "limited": {"nominalConcurrencyShares": 5, **reject}}),
        _level("exempt", {"type": "Exempt", "exempt": exempt}),
        _schema("exempt", "exempt", 1, "", {"subjects": _groups("system:masters"), **_ANYTHING}),
        _schema("catch-all", "catch-all", 10000, "ByUser", anybody),
    ]


def suggested() -> list[Wanted]:
    return [*_suggested_levels(), *_suggested_schemas()]


def _suggested_levels() -> list[Wanted]:
    return [
        _queuing("system", 30, 33, queues=64, hand=6),
        _queuing("node-high", 40, 25, queues=64, hand=6),
        _queuing("leader-election", 10, 0, queues=16, hand=4),
        _queuing("workload-high", 40, 50, queues=128, hand=6),
        _queuing("workload-low", 100, 90, queues=128, hand=6),
        _queuing("global-default", 20, 50, queues=128, hand=6),
    ]


def _suggested_schemas() -> list[Wanted]:
    nodes, masters = _groups("system:nodes"), _users("system:kube-controller-manager")
    scheduler = _users("system:kube-scheduler")
    election = {"verbs": ["get", "create", "update"], **_LEASES}
    status = {"verbs": ["*"], "apiGroups": [""], "resources": ["nodes", "nodes/status"], "namespaces": ["*"]}
    heartbeat = [{**status, "clusterScope": True}, {"verbs": ["*"], **_LEASES}]
    probes = {"nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]}
    leaders = [*masters, *scheduler, _SYSTEM_ACCOUNTS]
    everybody = _groups(*_EVERYBODY)
    return [
        _schema("probes", "exempt", 2, "", {"subjects": everybody, **probes}),
        _schema("system-leader-election", "leader-election", 100, "ByUser",
                {"subjects": leaders, "resourceRules": [election]}),
        _schema("system-node-high", "node-high", 400, "ByUser",
                {"subjects": nodes, "resourceRules": heartbeat}),
        _schema("system-nodes", "system", 500, "ByUser", {"subjects": nodes, **_ANYTHING}),
        _schema("kube-controller-manager", "workload-high", 800, "ByNamespace",
                {"subjects": masters, **_ANYTHING}),
        _schema("kube-scheduler", "workload-high", 800, "ByNamespace",
                {"subjects": scheduler, **_ANYTHING}),
        _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace",
                {"subjects": [_SYSTEM_ACCOUNTS], **_ANYTHING}),
        _schema("service-accounts", "workload-low", 9000, "ByUser",
                {"subjects": _groups("system:serviceaccounts"), **_ANYTHING}),
        _schema("global-default", "global-default", 9900, "ByUser", {"subjects": everybody, **_ANYTHING}),
    ]  # fmt: skip


def may_be_updated(existing: Object) -> bool:
    """Whether an object of advice follows ours: as its annotation says, else as long as nobody changed it."""
    wish = annotations_of(existing).get(AUTO_UPDATE)
    return wish == "true" if wish else existing["metadata"].get("generation", 1) == 1


def _queuing(name: str, shares: int, lendable: int, *, queues: int, hand: int) -> Wanted:
    queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
    limited = {
        "nominalConcurrencyShares": shares, "limitResponse": {"type": "Queue", "queuing": queuing},
        "lendablePercent": lendable,
    }  # fmt: skip
    return _level(name, {"type": "Limited", "limited": limited})


def _level(name: str, spec: Object) -> Wanted:
    return Wanted(PRIORITY_LEVEL_CONFIGURATIONS, _object("PriorityLevelConfiguration", name, spec))


def _schema(name: str, level: str, precedence: int, distinguisher: str, rule: Object) -> Wanted:
    spec: Object = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    return Wanted(FLOW_SCHEMAS, _object("FlowSchema", name, {**spec, "rules": [rule]}))


def _object(kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "annotations": {AUTO_UPDATE: "true"}}
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]
