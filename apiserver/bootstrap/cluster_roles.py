"""The cluster roles that everybody relies on, and who has them.

Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.objects import Object
from apimachinery.well_known import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN
from apiserver.bootstrap.policy import (
    ALL,
    EDIT,
    READ,
    Wanted,
    account,
    bind,
    bind_in,
    cluster_role,
    events,
    group,
    paths,
    role,
    rule,
    user,
)

AUTHENTICATED, UNAUTHENTICATED = group("system:authenticated"), group("system:unauthenticated")
DNS, DNS_SERVER = "sampan:kube-dns", user("system:kube-dns")
SCHEDULER, MANAGER = user("system:kube-scheduler"), user("system:kube-controller-manager")

_READ_UPDATE = "get list patch update watch"
_PUBLIC_PATHS = "/healthz /livez /readyz /version /version/"
_APPROVED_SIGNERS = {
    "kube-apiserver-client-approver": API_CLIENT,
    "kube-apiserver-client-kubelet-approver": KUBELET_CLIENT,
    "kubelet-serving-approver": KUBELET_SERVING,
    "legacy-unknown-approver": LEGACY_UNKNOWN,
}


def cluster_roles() -> list[Wanted]:
    return [*_for_people(), *_for_everybody(), *_for_components(), *_for_addons()]


def _for_people() -> list[Wanted]:
    """cluster-admin, admin, edit and view; the last three gather their rules from others by label."""
    return [
        cluster_role("cluster-admin", rule("*", "*", "*"), paths("*", "*")),
        cluster_role("admin", aggregates="admin"),
        cluster_role("edit", aggregates="edit", aggregate_to="admin"),
        cluster_role("view", aggregates="view", aggregate_to="edit"),
        cluster_role("system:aggregate-to-admin", *_admin(), aggregate_to="admin"),
        cluster_role("system:aggregate-to-edit", *_edit(), aggregate_to="edit"),
        cluster_role("system:aggregate-to-view", *_view(), aggregate_to="view"),
    ]


def _admin() -> list[Object]:
    return [
        rule("create", "localsubjectaccessreviews", "authorization.k8s.io"),
        rule(ALL, "rolebindings roles", "rbac.authorization.k8s.io"),
    ]


def _edit() -> list[Object]:
    return [
        rule(READ, "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
        rule("impersonate", "serviceaccounts"),
        rule(EDIT, "pods pods/attach pods/exec pods/portforward pods/proxy"),
        rule("create", "pods/eviction"),
        rule(
            EDIT,
            "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale "
            "secrets serviceaccounts services services/proxy",
        ),
        rule("create", "serviceaccounts/token"),
        rule(
            EDIT,
            "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
            "statefulsets statefulsets/scale",
            "apps",
        ),
        rule(EDIT, "horizontalpodautoscalers", "autoscaling"),
        rule(EDIT, "cronjobs jobs", "batch"),
        rule(
            EDIT,
            "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies "
            "replicasets replicasets/scale replicationcontrollers/scale",
            "extensions",
        ),
        rule(EDIT, "poddisruptionbudgets", "policy"),
        rule(EDIT, "ingresses networkpolicies", "networking.k8s.io"),
        rule(ALL, "leases", "coordination.k8s.io"),
        rule(EDIT, "resourceclaims resourceclaimtemplates", "resource.k8s.io"),
    ]


def _view() -> list[Object]:
    return [
        rule(
            READ,
            "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
            "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
        ),
        rule(
            READ,
            "bindings events limitranges namespaces/status pods/log pods/status "
            "replicationcontrollers/status resourcequotas resourcequotas/status",
        ),
        rule(READ, "namespaces"),
        rule(READ, "endpointslices", "discovery.k8s.io"),
        rule(
            READ,
            "controllerrevisions daemonsets daemonsets/status deployments deployments/scale "
            "deployments/status replicasets replicasets/scale replicasets/status statefulsets "
            "statefulsets/scale statefulsets/status",
            "apps",
        ),
        rule(READ, "horizontalpodautoscalers horizontalpodautoscalers/status", "autoscaling"),
        rule(READ, "cronjobs cronjobs/status jobs jobs/status", "batch"),
        rule(
            READ,
            "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses "
            "ingresses/status networkpolicies replicasets replicasets/scale replicasets/status "
            "replicationcontrollers/scale",
            "extensions",
        ),
        rule(READ, "poddisruptionbudgets poddisruptionbudgets/status", "policy"),
        rule(READ, "ingresses ingresses/status networkpolicies", "networking.k8s.io"),
        rule(READ, "resourceclaims resourceclaims/status resourceclaimtemplates", "resource.k8s.io"),
    ]


def _for_everybody() -> list[Wanted]:
    return [
        cluster_role(
            "system:basic-user",
            rule("create", "selfsubjectaccessreviews selfsubjectrulesreviews", "authorization.k8s.io"),
            rule("create", "selfsubjectreviews", "authentication.k8s.io"),
        ),
        cluster_role(
            "system:discovery",
            paths(
                "get",
                "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
            ),
        ),
        cluster_role("system:public-info-viewer", paths("get", _PUBLIC_PATHS)),
        cluster_role(
            "system:monitoring",
            paths(
                "get",
                "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*",
            ),
        ),
        cluster_role(
            "system:service-account-issuer-discovery",
            paths(
                "get",
                "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks "
                "/openid/v1/jwks/",
            ),
        ),
    ]


def _for_components() -> list[Wanted]:
    return [
        cluster_role("system:kube-scheduler", *_scheduler()),
        cluster_role("system:volume-scheduler", *_volume_scheduler()),
        cluster_role("system:kube-controller-manager", *_manager()),
        cluster_role("system:node", *node_rules()),
        cluster_role(
            "system:node-proxier",
            rule("list watch", "endpoints services"),
            rule(READ, "nodes"),
            events(),
            rule("list watch", "servicecidrs", "networking.k8s.io"),
            rule("list watch", "endpointslices", "discovery.k8s.io"),
        ),
        cluster_role(
            "system:node-bootstrapper",
            rule(f"create {READ}", "certificatesigningrequests", "certificates.k8s.io"),
        ),
        cluster_role(
            "system:kubelet-api-admin",
            rule(READ, "nodes"),
            rule("proxy", "nodes"),
            rule("*", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
            rule("*", "nodes/configz nodes/healthz nodes/pods"),
        ),
        cluster_role("system:kube-aggregator", rule(READ, "endpoints services")),
        cluster_role("system:kube-dns", rule("list watch", "endpoints services")),
        # Our own DNS; upstream's is CoreDNS, which brings a role along.
        cluster_role(
            DNS,
            rule("list watch", "namespaces services"),
            rule("list watch", "endpointslices", "discovery.k8s.io"),
        ),
    ]


def _for_addons() -> list[Wanted]:
    certificates = "certificates.k8s.io"
    return [
        cluster_role(
            "system:auth-delegator",
            rule("create", "tokenreviews", "authentication.k8s.io"),
            rule("create", "subjectaccessreviews", "authorization.k8s.io"),
        ),
        cluster_role(
            "system:node-problem-detector", rule("get", "nodes"), rule("patch", "nodes/status"), events()
        ),
        cluster_role(
            "system:heapster",
            rule(READ, "events namespaces nodes pods"),
            rule(READ, "deployments", "extensions"),
        ),
        # metrics-server's, since we serve what it serves.
        cluster_role(
            "system:aggregated-metrics-reader",
            rule(READ, "nodes pods", "metrics.k8s.io"),
            aggregate_to="view",
        ),
        cluster_role("system:persistent-volume-provisioner", *_provisioner()),
        *(
            cluster_role(
                f"system:certificates.k8s.io:certificatesigningrequests:{name}",
                rule("create", f"certificatesigningrequests/{name}", certificates),
            )
            for name in ("nodeclient", "selfnodeclient")
        ),
        *(
            cluster_role(
                f"system:certificates.k8s.io:{name}", rule("approve", "signers", certificates, signer)
            )
            for name, signer in _APPROVED_SIGNERS.items()
        ),
    ]


def _scheduler() -> list[Object]:
    return [
        events(),
        rule("create", "leases", "coordination.k8s.io"),
        rule("get list update watch", "leases", "coordination.k8s.io", "kube-scheduler"),
        rule(ALL, "leasecandidates", "coordination.k8s.io"),
        rule(READ, "nodes"),
        rule(f"delete {READ}", "pods"),
        rule("create", "bindings pods/binding"),
        rule("patch update", "pods/status"),
        rule(READ, "replicationcontrollers services"),
        rule(READ, "replicasets", "apps extensions"),
        rule(READ, "statefulsets", "apps"),
        rule(READ, "poddisruptionbudgets", "policy"),
        rule(READ, "persistentvolumeclaims persistentvolumes"),
        rule("create", "tokenreviews", "authentication.k8s.io"),
        rule("create", "subjectaccessreviews", "authorization.k8s.io"),
        rule(READ, "csinodes", "storage.k8s.io"),
        rule(READ, "volumeattachments", "storage.k8s.io"),
        rule(READ, "namespaces"),
        rule(READ, "csidrivers", "storage.k8s.io"),
        rule(READ, "csistoragecapacities", "storage.k8s.io"),
        rule(READ, "deviceclasses", "resource.k8s.io"),
        rule(_READ_UPDATE, "resourceclaims", "resource.k8s.io"),
        rule(_READ_UPDATE, "resourceclaims/status", "resource.k8s.io"),
        rule("update", "pods/finalizers"),
        rule(READ, "resourceslices", "resource.k8s.io"),
    ]


def _volume_scheduler() -> list[Object]:
    return [
        rule(_READ_UPDATE, "persistentvolumes"),
        rule(READ, "storageclasses", "storage.k8s.io"),
        rule(_READ_UPDATE, "persistentvolumeclaims"),
    ]


def _manager() -> list[Object]:
    return [
        events(),
        rule("create", "leases", "coordination.k8s.io"),
        rule("get update", "leases", "coordination.k8s.io", "kube-controller-manager"),
        rule("create", "secrets serviceaccounts"),
        rule("delete", "secrets"),
        rule("get", "configmaps namespaces secrets serviceaccounts"),
        rule("update", "secrets serviceaccounts"),
        rule("create", "tokenreviews", "authentication.k8s.io"),
        rule("create", "subjectaccessreviews", "authorization.k8s.io"),
        rule("list watch", "*", "*"),
        rule("create", "serviceaccounts/token"),
    ]


def node_rules() -> list[Object]:
    """What every kubelet may do; the Node authorizer narrows the parts that carry secrets."""
    return [
        rule("create", "tokenreviews", "authentication.k8s.io"),
        rule("create", "localsubjectaccessreviews subjectaccessreviews", "authorization.k8s.io"),
        rule(READ, "services"),
        rule(f"create {READ}", "nodes"),
        rule("patch update", "nodes/status"),
        rule("patch update", "nodes"),
        rule("create patch update", "events"),
        rule(READ, "pods"),
        rule("create delete", "pods"),
        rule("patch update", "pods/status"),
        rule("create", "pods/eviction"),
        rule(READ, "configmaps secrets"),
        rule("get", "persistentvolumeclaims persistentvolumes"),
        rule("get", "endpoints"),
        rule(f"create {READ}", "certificatesigningrequests", "certificates.k8s.io"),
        rule("create delete get patch update", "leases", "coordination.k8s.io"),
        rule("get", "volumeattachments", "storage.k8s.io"),
        rule("create", "serviceaccounts/token"),
        rule("get patch update", "persistentvolumeclaims/status"),
        rule(READ, "csidrivers", "storage.k8s.io"),
        rule("create delete get patch update", "csinodes", "storage.k8s.io"),
        rule(READ, "runtimeclasses", "node.k8s.io"),
        rule("get", "resourceclaims", "resource.k8s.io"),
        rule("deletecollection", "resourceslices", "resource.k8s.io"),
        rule("get", "serviceaccounts"),
    ]


def _provisioner() -> list[Object]:
    return [
        rule(f"create delete {READ}", "persistentvolumes"),
        rule(f"{READ} update", "persistentvolumeclaims"),
        rule(READ, "storageclasses", "storage.k8s.io"),
        rule("watch", "events"),
        events(),
    ]


def cluster_role_bindings() -> list[Wanted]:
    return [
        bind("cluster-admin", group("system:masters")),
        bind("system:monitoring", group("system:monitoring")),
        bind("system:discovery", AUTHENTICATED),
        bind("system:basic-user", AUTHENTICATED),
        bind("system:public-info-viewer", AUTHENTICATED, UNAUTHENTICATED),
        # Ours lets nodes' own identities do a proxy's work too: kube-proxy on a node needs no other.
        bind("system:node-proxier", user("system:kube-proxy"), group("system:nodes")),
        # Our kube-proxy has a port of its own to tell more, and asks who may know it.
        bind("sampan:kube-proxy", user("system:kube-proxy"), to="system:auth-delegator"),
        bind("system:kube-controller-manager", MANAGER),
        bind("system:kube-dns", {"kind": "ServiceAccount", "name": "kube-dns", "namespace": "kube-system"}),
        bind(DNS, DNS_SERVER),
        bind("system:kube-scheduler", SCHEDULER),
        bind("system:volume-scheduler", SCHEDULER),
        # Upstream binds nobody: its Node authorizer has these rules built in.
        bind("system:node"),
        bind("system:service-account-issuer-discovery", group("system:serviceaccounts")),
        # kubeadm's: its administrators, and the client certificate that apiservers show to kubelets.
        bind("kubeadm:cluster-admins", group("kubeadm:cluster-admins"), to="cluster-admin"),
    ]


def namespaced_roles() -> list[Wanted]:
    lease_rules = [
        rule("create get list update watch", resource, "coordination.k8s.io")
        for resource in ("leases", "leasecandidates")
    ]
    reader = "extension-apiserver-authentication-reader"
    return [
        role(
            "kube-system",
            DNS,
            rule("create", "services"),
            rule("create delete update", "endpointslices", "discovery.k8s.io"),
        ),
        bind_in("kube-system", DNS, DNS_SERVER),
        role("kube-system", reader, rule(READ, "configmaps", names="extension-apiserver-authentication")),
        role("kube-system", "system::leader-locking-kube-controller-manager", *lease_rules),
        role("kube-system", "system::leader-locking-kube-scheduler", *lease_rules),
        bind_in("kube-system", f"system::{reader}", MANAGER, SCHEDULER, to=reader),
        bind_in(
            "kube-system",
            "system::leader-locking-kube-controller-manager",
            MANAGER,
            account("kube-controller-manager"),
            account("leader-election-controller"),
        ),
        bind_in("kube-system", "system::leader-locking-kube-scheduler", SCHEDULER, account("kube-scheduler")),
    ]
