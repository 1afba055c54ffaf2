"""The built-in resources of Kubernetes 1.34: names, scopes, verbs, subresources and storage keys.

A table and look-ups over it. What objects look like is `schema`'s business; what kinds do is the server's.
"""

from __future__ import annotations

from apimachinery.resource import (
    ADMISSION,
    ALL_VERBS,
    APIEXTENSIONS,
    APIREGISTRATION,
    AUTHENTICATION,
    AUTHORIZATION,
    CERTIFICATES,
    COORDINATION,
    CREATE_ONLY,
    DISCOVERY,
    EVENTS_GROUP,
    FLOWCONTROL,
    GROUP_ORDER,
    NETWORKING,
    NODE_GROUP,
    RBAC,
    RESOURCE,
    SCHEDULING,
    STORAGE,
    Resource,
    Subresource,
)

# The vocabulary of the table can be had from here, too.
__all__ = [
    "ADMISSION", "ALL_VERBS", "APIEXTENSIONS", "APIREGISTRATION", "AUTHENTICATION", "AUTHORIZATION",
    "CERTIFICATES", "COORDINATION", "CREATE_ONLY", "DISCOVERY", "EVENTS_GROUP", "FLOWCONTROL",
    "GROUP_ORDER", "NETWORKING", "NODE_GROUP", "RBAC", "RESOURCE", "SCHEDULING", "STORAGE",
    "Resource", "Subresource",
]  # fmt: skip

_STATUS_VERBS = ("get", "patch", "update")


def _core(
    plural: str,
    kind: str,
    short: str = "",
    *,
    namespaced: bool = True,
    verbs: tuple[str, ...] = ALL_VERBS,
    subresources: str = "",
    categories: str = "",
) -> Resource:
    return _resource("", "v1", plural, kind, short, namespaced=namespaced, verbs=verbs,
                     subresources=subresources, categories=categories)  # fmt: skip


def _resource(
    group: str,
    version: str,
    plural: str,
    kind: str,
    short: str = "",
    *,
    namespaced: bool = True,
    verbs: tuple[str, ...] = ALL_VERBS,
    subresources: str = "",
    categories: str = "",
) -> Resource:
    return Resource(
        group=group, version=version, plural=plural, kind=kind, namespaced=namespaced, singular=kind.lower(),
        short_names=tuple(short.split()), categories=tuple(categories.split()), verbs=verbs,
        subresources=tuple(subresources.split()),
    )  # fmt: skip


_NO_COLLECTION = tuple(verb for verb in ALL_VERBS if verb != "deletecollection")
_READ = ("get", "list")
_PROXY_VERBS = ("create", "delete", "get", "patch", "update")

BINDINGS = _core("bindings", "Binding", verbs=CREATE_ONLY)
COMPONENT_STATUSES = _core("componentstatuses", "ComponentStatus", "cs", namespaced=False, verbs=_READ)
CONFIG_MAPS = _core("configmaps", "ConfigMap", "cm")
ENDPOINTS = _core("endpoints", "Endpoints", "ep")
EVENTS = _core("events", "Event", "ev")
LIMIT_RANGES = _core("limitranges", "LimitRange", "limits")
NAMESPACES = _core(
    "namespaces", "Namespace", "ns", namespaced=False, verbs=_NO_COLLECTION, subresources="finalize status"
)
NODES = _core("nodes", "Node", "no", namespaced=False, subresources="proxy status")
PERSISTENT_VOLUME_CLAIMS = _core(
    "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", subresources="status"
)
PERSISTENT_VOLUMES = _core(
    "persistentvolumes", "PersistentVolume", "pv", namespaced=False, subresources="status"
)
PODS = _core(
    "pods", "Pod", "po", categories="all",
    subresources="attach binding ephemeralcontainers eviction exec log portforward proxy resize status",
)  # fmt: skip
POD_TEMPLATES = _core("podtemplates", "PodTemplate")
REPLICATION_CONTROLLERS = _core(
    "replicationcontrollers", "ReplicationController", "rc", categories="all", subresources="scale status"
)
RESOURCE_QUOTAS = _core("resourcequotas", "ResourceQuota", "quota", subresources="status")
SECRETS = _core("secrets", "Secret")
SERVICE_ACCOUNTS = _core("serviceaccounts", "ServiceAccount", "sa", subresources="token")
SERVICES = _core("services", "Service", "svc", categories="all", subresources="proxy status")

MUTATING_WEBHOOK_CONFIGURATIONS = _resource(
    ADMISSION,
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
    namespaced=False,
    categories="api-extensions",
)
VALIDATING_ADMISSION_POLICIES = _resource(
    ADMISSION,
    "v1",
    "validatingadmissionpolicies",
    "ValidatingAdmissionPolicy",
    namespaced=False,
    subresources="status",
    categories="api-extensions",
)
VALIDATING_ADMISSION_POLICY_BINDINGS = _resource(
    ADMISSION,
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
    namespaced=False,
    categories="api-extensions",
)
VALIDATING_WEBHOOK_CONFIGURATIONS = _resource(
    ADMISSION,
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
    categories="api-extensions",
)
CUSTOM_RESOURCE_DEFINITIONS = _resource(
    APIEXTENSIONS,
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    "crd crds",
    namespaced=False,
    subresources="status",
    categories="api-extensions",
)
API_SERVICES = _resource(
    APIREGISTRATION,
    "v1",
    "apiservices",
    "APIService",
    namespaced=False,
    subresources="status",
    categories="api-extensions",
)
CONTROLLER_REVISIONS = _resource("apps", "v1", "controllerrevisions", "ControllerRevision")
DAEMON_SETS = _resource(
    "apps", "v1", "daemonsets", "DaemonSet", "ds", subresources="status", categories="all"
)
DEPLOYMENTS = _resource(
    "apps", "v1", "deployments", "Deployment", "deploy", subresources="scale status", categories="all"
)
REPLICA_SETS = _resource(
    "apps", "v1", "replicasets", "ReplicaSet", "rs", subresources="scale status", categories="all"
)
STATEFUL_SETS = _resource(
    "apps", "v1", "statefulsets", "StatefulSet", "sts", subresources="scale status", categories="all"
)
SELF_SUBJECT_REVIEWS = _resource(
    AUTHENTICATION, "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False, verbs=CREATE_ONLY
)
TOKEN_REVIEWS = _resource(
    AUTHENTICATION, "v1", "tokenreviews", "TokenReview", namespaced=False, verbs=CREATE_ONLY
)
LOCAL_SUBJECT_ACCESS_REVIEWS = _resource(
    AUTHORIZATION, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", verbs=CREATE_ONLY
)
SELF_SUBJECT_ACCESS_REVIEWS = _resource(
    AUTHORIZATION,
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
    verbs=CREATE_ONLY,
)
SELF_SUBJECT_RULES_REVIEWS = _resource(
    AUTHORIZATION,
    "v1",
    "selfsubjectrulesreviews",
    "SelfSubjectRulesReview",
    namespaced=False,
    verbs=CREATE_ONLY,
)
SUBJECT_ACCESS_REVIEWS = _resource(
    AUTHORIZATION, "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False, verbs=CREATE_ONLY
)
HORIZONTAL_POD_AUTOSCALERS = _resource(
    "autoscaling",
    "v2",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
    "hpa",
    subresources="status",
    categories="all",
)
HORIZONTAL_POD_AUTOSCALERS_V1 = _resource(
    "autoscaling",
    "v1",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
    "hpa",
    subresources="status",
    categories="all",
)
CRON_JOBS = _resource("batch", "v1", "cronjobs", "CronJob", "cj", subresources="status", categories="all")
JOBS = _resource("batch", "v1", "jobs", "Job", subresources="status", categories="all")
CERTIFICATE_SIGNING_REQUESTS = _resource(
    CERTIFICATES,
    "v1",
    "certificatesigningrequests",
    "CertificateSigningRequest",
    "csr",
    namespaced=False,
    subresources="approval status",
)
LEASES = _resource(COORDINATION, "v1", "leases", "Lease")
ENDPOINT_SLICES = _resource(DISCOVERY, "v1", "endpointslices", "EndpointSlice")
EVENTS_V1 = _resource(EVENTS_GROUP, "v1", "events", "Event", "ev")
FLOW_SCHEMAS = _resource(
    FLOWCONTROL, "v1", "flowschemas", "FlowSchema", namespaced=False, subresources="status"
)
PRIORITY_LEVEL_CONFIGURATIONS = _resource(
    FLOWCONTROL,
    "v1",
    "prioritylevelconfigurations",
    "PriorityLevelConfiguration",
    namespaced=False,
    subresources="status",
)
INGRESSES = _resource(NETWORKING, "v1", "ingresses", "Ingress", "ing", subresources="status")
INGRESS_CLASSES = _resource(NETWORKING, "v1", "ingressclasses", "IngressClass", namespaced=False)
IP_ADDRESSES = _resource(NETWORKING, "v1", "ipaddresses", "IPAddress", "ip", namespaced=False)
NETWORK_POLICIES = _resource(NETWORKING, "v1", "networkpolicies", "NetworkPolicy", "netpol")
SERVICE_CIDRS = _resource(
    NETWORKING, "v1", "servicecidrs", "ServiceCIDR", namespaced=False, subresources="status"
)
RUNTIME_CLASSES = _resource(NODE_GROUP, "v1", "runtimeclasses", "RuntimeClass", namespaced=False)
POD_DISRUPTION_BUDGETS = _resource(
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", subresources="status"
)
CLUSTER_ROLE_BINDINGS = _resource(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
CLUSTER_ROLES = _resource(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
ROLE_BINDINGS = _resource(RBAC, "v1", "rolebindings", "RoleBinding")
ROLES = _resource(RBAC, "v1", "roles", "Role")
DEVICE_CLASSES = _resource(RESOURCE, "v1", "deviceclasses", "DeviceClass", namespaced=False)
RESOURCE_CLAIMS = _resource(RESOURCE, "v1", "resourceclaims", "ResourceClaim", subresources="status")
RESOURCE_CLAIM_TEMPLATES = _resource(RESOURCE, "v1", "resourceclaimtemplates", "ResourceClaimTemplate")
RESOURCE_SLICES = _resource(RESOURCE, "v1", "resourceslices", "ResourceSlice", namespaced=False)
PRIORITY_CLASSES = _resource(SCHEDULING, "v1", "priorityclasses", "PriorityClass", "pc", namespaced=False)
CSI_DRIVERS = _resource(STORAGE, "v1", "csidrivers", "CSIDriver", namespaced=False)
CSI_NODES = _resource(STORAGE, "v1", "csinodes", "CSINode", namespaced=False)
CSI_STORAGE_CAPACITIES = _resource(STORAGE, "v1", "csistoragecapacities", "CSIStorageCapacity")
STORAGE_CLASSES = _resource(STORAGE, "v1", "storageclasses", "StorageClass", "sc", namespaced=False)
VOLUME_ATTACHMENTS = _resource(
    STORAGE, "v1", "volumeattachments", "VolumeAttachment", namespaced=False, subresources="status"
)
VOLUME_ATTRIBUTES_CLASSES = _resource(
    STORAGE, "v1", "volumeattributesclasses", "VolumeAttributesClass", "vac", namespaced=False
)

BUILTIN: tuple[Resource, ...] = (
    BINDINGS, COMPONENT_STATUSES, CONFIG_MAPS, ENDPOINTS, EVENTS, LIMIT_RANGES, NAMESPACES, NODES,
    PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, POD_TEMPLATES, REPLICATION_CONTROLLERS,
    RESOURCE_QUOTAS, SECRETS, SERVICE_ACCOUNTS, SERVICES, MUTATING_WEBHOOK_CONFIGURATIONS,
    VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS,
    VALIDATING_WEBHOOK_CONFIGURATIONS, CUSTOM_RESOURCE_DEFINITIONS, API_SERVICES, CONTROLLER_REVISIONS,
    DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, SELF_SUBJECT_REVIEWS, TOKEN_REVIEWS,
    LOCAL_SUBJECT_ACCESS_REVIEWS, SELF_SUBJECT_ACCESS_REVIEWS, SELF_SUBJECT_RULES_REVIEWS,
    SUBJECT_ACCESS_REVIEWS, HORIZONTAL_POD_AUTOSCALERS, HORIZONTAL_POD_AUTOSCALERS_V1, CRON_JOBS, JOBS,
    CERTIFICATE_SIGNING_REQUESTS, LEASES, ENDPOINT_SLICES, EVENTS_V1, FLOW_SCHEMAS,
    PRIORITY_LEVEL_CONFIGURATIONS, INGRESSES, INGRESS_CLASSES, IP_ADDRESSES, NETWORK_POLICIES,
    SERVICE_CIDRS, RUNTIME_CLASSES, POD_DISRUPTION_BUDGETS, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES,
    ROLE_BINDINGS, ROLES, DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_SLICES,
    PRIORITY_CLASSES, CSI_DRIVERS, CSI_NODES, CSI_STORAGE_CAPACITIES, STORAGE_CLASSES,
    VOLUME_ATTACHMENTS, VOLUME_ATTRIBUTES_CLASSES,
)  # fmt: skip
"""Every built-in resource that 1.34 serves by default; the preferred version of a group comes first."""

_BY_PLURAL = {(each.group, each.version, each.plural): each for each in BUILTIN}
_BY_KIND = {(each.api_version, each.kind): each for each in BUILTIN}

_SPECIAL_SUBRESOURCES: dict[tuple[str, str], Subresource] = {
    ("pods", "attach"): Subresource("attach", "", "v1", "PodAttachOptions", ("create", "get")),
    ("pods", "binding"): Subresource("binding", "", "v1", "Binding", CREATE_ONLY),
    ("pods", "eviction"): Subresource("eviction", "policy", "v1", "Eviction", CREATE_ONLY),
    ("pods", "exec"): Subresource("exec", "", "v1", "PodExecOptions", ("create", "get")),
    ("pods", "log"): Subresource("log", "", "v1", "Pod", ("get",)),
    ("pods", "portforward"): Subresource("portforward", "", "v1", "PodPortForwardOptions", ("create", "get")),
    ("pods", "proxy"): Subresource("proxy", "", "v1", "PodProxyOptions", _PROXY_VERBS),
    ("services", "proxy"): Subresource("proxy", "", "v1", "ServiceProxyOptions", _PROXY_VERBS),
    ("nodes", "proxy"): Subresource("proxy", "", "v1", "NodeProxyOptions", _PROXY_VERBS),
    ("namespaces", "finalize"): Subresource("finalize", "", "v1", "Namespace", ("update",)),
    ("serviceaccounts", "token"): Subresource("token", AUTHENTICATION, "v1", "TokenRequest", CREATE_ONLY),
}


def subresource_of(resource: Resource, name: str) -> Subresource | None:
    """What the subresource speaks, or None if the resource has no such subresource."""
    if name not in resource.subresources:
        return None
    special = _SPECIAL_SUBRESOURCES.get((resource.group_resource, name))
    if special is not None:
        return special
    if name == "scale":
        return Subresource(name, "autoscaling", "v1", "Scale", _STATUS_VERBS)
    return Subresource(name, resource.group, resource.version, resource.kind, _STATUS_VERBS)


def lookup(group: str, version: str, plural: str) -> Resource | None:
    """The built-in resource at a URL, or None."""
    return _BY_PLURAL.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """The built-in resource of an object's apiVersion and kind, or None."""
    return _BY_KIND.get((api_version, kind))
