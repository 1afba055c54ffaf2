"""The role of each controller, bound to its ServiceAccount in kube-system and to the manager itself.

Upstream's controllers may each have an identity of their own; ours share the manager's, so that it holds
them all. Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.legacy_tokens import TRACKING
from apimachinery.objects import Object
from apimachinery.well_known import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN
from apiserver.bootstrap.policy import (
    READ,
    Wanted,
    account,
    bind,
    bind_in,
    cluster_role,
    events,
    role,
    rule,
    user,
)

_MANAGER = user("system:kube-controller-manager")
_APPS, _BATCH = "apps", "batch"
_OLD_APPS = "apps extensions"
_STORAGE = "storage.k8s.io"
_FULL = f"create delete {READ} patch update"


def controller_roles() -> list[Wanted]:
    return [cluster_role(f"system:controller:{name}", *rules) for name, rules in _rules().items()]


def controller_role_bindings() -> list[Wanted]:
    return [bind(f"system:controller:{name}", account(name), _MANAGER) for name in _rules()]


def namespaced_controller_roles() -> list[Wanted]:
    """Of controllers that need no more than a namespace."""
    return [
        wanted
        for (namespace, name), rules in _namespaced_rules().items()
        for wanted in (
            role(namespace, f"system:controller:{name}", *rules),
            bind_in(namespace, f"system:controller:{name}", account(name), _MANAGER),
        )
    ]


def _namespaced_rules() -> dict[tuple[str, str], list[Object]]:
    return {
        ("kube-public", "bootstrap-signer"): [
            rule(READ, "configmaps"),
            rule("update", "configmaps", names="cluster-info"),
            events(),
        ],
        ("kube-system", "bootstrap-signer"): [rule(READ, "secrets")],
        ("kube-system", "cloud-provider"): [rule(f"create {READ}", "configmaps")],
        ("kube-system", "token-cleaner"): [rule(f"delete {READ}", "secrets"), events()],
    }


def _rules() -> dict[str, list[Object]]:
    return {**_workloads(), **_networking(), **_volumes(), **_cluster()}


def _owner(resource: str, verbs: str, group: str = _APPS) -> list[Object]:
    """A workload's own rules: the object, its status, and blocking its deletion."""
    return [
        rule(verbs, resource, group),
        rule("update", f"{resource}/status", group),
        rule("update", f"{resource}/finalizers", group),
    ]


def _workloads() -> dict[str, list[Object]]:
    pods = "create delete list patch watch"
    return {
        "cronjob-controller": [
            rule(f"{READ} update", "cronjobs", _BATCH),
            rule(_FULL, "jobs", _BATCH),
            rule("update", "cronjobs/status", _BATCH),
            rule("update", "cronjobs/finalizers", _BATCH),
            rule("delete list watch", "pods"),
            events(),
        ],
        "daemon-set-controller": [
            *_owner("daemonsets", READ, _OLD_APPS),
            rule("list watch", "nodes"),
            rule(pods, "pods"),
            rule("create", "pods/binding"),
            rule(_FULL, "controllerrevisions", _APPS),
            events(),
        ],
        "deployment-controller": [
            *_owner("deployments", f"{READ} update", _OLD_APPS),
            rule(_FULL, "replicasets", _OLD_APPS),
            rule(f"{READ} update", "pods"),
            events(),
        ],
        "job-controller": [*_owner("jobs", f"{READ} patch update", _BATCH), rule(pods, "pods"), events()],
        "replicaset-controller": [
            *_owner("replicasets", f"{READ} update", _OLD_APPS),
            rule(pods, "pods"),
            events(),
        ],
        "replication-controller": [
            *_owner("replicationcontrollers", f"{READ} update", "core"),
            rule(pods, "pods"),
            events(),
        ],
        "statefulset-controller": [
            rule("list watch", "pods"),
            *_owner("statefulsets", READ),
            rule("create delete get patch update", "pods"),
            rule(_FULL, "controllerrevisions", _APPS),
            rule(f"create {READ}", "persistentvolumeclaims"),
            rule("delete update", "persistentvolumeclaims"),
            rule("update", "pods/finalizers"),
            events(),
        ],
        "ttl-after-finished-controller": [rule(f"delete {READ}", "jobs", _BATCH), events()],
        "horizontal-pod-autoscaler": [
            rule(READ, "horizontalpodautoscalers", "autoscaling"),
            rule("update", "horizontalpodautoscalers/status", "autoscaling"),
            rule("get update", "*/scale", "*"),
            rule("list watch", "pods"),
            rule("list watch", "pods", "metrics.k8s.io"),
            rule(READ, "*", "custom.metrics.k8s.io"),
            rule(READ, "*", "external.metrics.k8s.io"),
            events(),
        ],
        "disruption-controller": [
            rule(READ, "deployments", _OLD_APPS),
            rule(READ, "replicasets", _OLD_APPS),
            rule(READ, "replicationcontrollers"),
            rule(READ, "poddisruptionbudgets", "policy"),
            rule(READ, "statefulsets", _APPS),
            rule("update", "poddisruptionbudgets/status", "policy"),
            rule("patch update", "pods/status"),
            rule("get", "*/scale", "*"),
            events(),
        ],
    }


def _networking() -> dict[str, list[Object]]:
    slices = rule(f"create delete {READ} update", "endpointslices", "discovery.k8s.io")
    return {
        "endpoint-controller": [
            rule(READ, "pods services"),
            rule(f"create delete {READ} update", "endpoints"),
            rule("create", "endpoints/restricted"),
            events(),
        ],
        "endpointslice-controller": [
            rule(READ, "nodes pods services"),
            rule("update", "services/finalizers"),
            slices,
            events(),
        ],
        "endpointslicemirroring-controller": [
            rule(READ, "endpoints services"),
            rule("update", "services/finalizers"),
            rule("update", "endpoints/finalizers"),
            slices,
            events(),
        ],
        "route-controller": [rule("list watch", "nodes"), rule("patch", "nodes/status"), events()],
        "service-controller": [
            rule(READ, "services"),
            rule("patch update", "services/status"),
            rule("list watch", "nodes"),
            events(),
        ],
        "service-cidrs-controller": [
            rule(f"{READ} patch update", "servicecidrs", "networking.k8s.io"),
            rule("patch update", "servicecidrs/finalizers", "networking.k8s.io"),
            rule("patch update", "servicecidrs/status", "networking.k8s.io"),
            rule(READ, "ipaddresses", "networking.k8s.io"),
            events(),
        ],
    }


def _volumes() -> dict[str, list[Object]]:
    return {
        "attachdetach-controller": [
            rule("list watch", "persistentvolumeclaims persistentvolumes"),
            rule(READ, "nodes"),
            rule("patch update", "nodes/status"),
            rule("list watch", "pods"),
            events(),
            rule(f"create delete {READ}", "volumeattachments", _STORAGE),
            rule(READ, "csidrivers", _STORAGE),
            rule(READ, "csinodes", _STORAGE),
        ],
        "ephemeral-volume-controller": [
            rule(READ, "pods"),
            rule("update", "pods/finalizers"),
            rule(f"create {READ}", "persistentvolumeclaims"),
            events(),
        ],
        "expand-controller": [
            rule(f"{READ} patch update", "persistentvolumes"),
            rule("patch update", "persistentvolumeclaims/status"),
            rule(READ, "persistentvolumeclaims"),
            events(),
            rule("get", "services"),
        ],
        "persistent-volume-binder": [
            rule(f"create delete {READ} update", "persistentvolumes"),
            rule("update", "persistentvolumes/status"),
            rule(f"{READ} update", "persistentvolumeclaims"),
            rule("update", "persistentvolumeclaims/status"),
            rule(f"create delete {READ}", "pods"),
            rule(READ, "storageclasses", _STORAGE),
            rule("list watch", "nodes"),
            events(),
            rule("watch", "events"),
            rule("get", "services"),
        ],
        "pv-protection-controller": [rule(f"{READ} update", "persistentvolumes"), events()],
        "pvc-protection-controller": [
            rule(f"{READ} update", "persistentvolumeclaims"),
            rule(READ, "pods"),
            events(),
        ],
        "selinux-warning-controller": [
            events(),
            rule(READ, "persistentvolumes"),
            rule(READ, "persistentvolumeclaims"),
            rule(READ, "pods"),
            rule(READ, "csidrivers", _STORAGE),
        ],
        "resource-claim-controller": [
            rule(READ, "pods"),
            rule("update", "pods/finalizers"),
            rule(f"create delete {READ}", "resourceclaims", "resource.k8s.io"),
            rule("patch update", "resourceclaims resourceclaims/status", "resource.k8s.io"),
            rule("patch update", "pods/status"),
            events(),
        ],
        "volumeattributesclass-protection-controller": [
            rule(READ, "persistentvolumeclaims"),
            rule(READ, "persistentvolumes"),
            rule(f"{READ} update", "volumeattributesclasses", _STORAGE),
            events(),
        ],
    }


def _cluster() -> dict[str, list[Object]]:
    certificates = "certificates.k8s.io"
    requests = "certificatesigningrequests"
    signers = f"{API_CLIENT} {KUBELET_CLIENT} {KUBELET_SERVING} {LEGACY_UNKNOWN}"
    return {
        "certificate-controller": [
            rule(f"delete {READ}", requests, certificates),
            rule("update", f"{requests}/approval {requests}/status", certificates),
            # Upstream's approves only the first: a node's serving certificate is an administrator's there.
            rule("approve", "signers", certificates, f"{KUBELET_CLIENT} {KUBELET_SERVING}"),
            rule("sign", "signers", certificates, signers),
            rule("create", "subjectaccessreviews", "authorization.k8s.io"),
            events(),
        ],
        "clusterrole-aggregation-controller": [
            rule(f"escalate {READ} patch update", "clusterroles", "rbac.authorization.k8s.io")
        ],
        "generic-garbage-collector": [rule(f"delete {READ} patch update", "*", "*"), events()],
        "legacy-service-account-token-cleaner": [
            rule("get", "configmaps", names=TRACKING.name),
            rule("delete patch", "secrets"),
        ],
        "namespace-controller": [
            rule(f"delete {READ}", "namespaces"),
            rule("update", "namespaces/finalize namespaces/status"),
            rule(f"delete deletecollection {READ}", "*", "*"),
        ],
        "node-controller": [
            rule(f"delete {READ} patch update", "nodes"),
            rule("patch update", "nodes/status"),
            rule("patch update", "pods/status"),
            rule(f"delete {READ}", "pods"),
            events(),
        ],
        "pod-garbage-collector": [
            rule("delete list watch", "pods"),
            rule(READ, "nodes"),
            rule("patch", "pods/status"),
        ],
        "resourcequota-controller": [
            rule("list watch", "*", "*"),
            rule("update", "resourcequotas/status"),
            events(),
        ],
        "root-ca-cert-publisher": [rule("create update", "configmaps"), events()],
        "service-account-controller": [rule("create", "serviceaccounts"), events()],
        "ttl-controller": [rule("list patch update watch", "nodes"), events()],
        "validatingadmissionpolicy-status-controller": [
            rule(READ, "validatingadmissionpolicies", "admissionregistration.k8s.io"),
            rule("get patch update", "validatingadmissionpolicies/status", "admissionregistration.k8s.io"),
            events(),
        ],
    }
