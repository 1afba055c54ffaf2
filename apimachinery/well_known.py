"""Labels, annotations and the like that more than one part of the system knows, each spelled once.

Those of taints, volumes and tokens are with what is decided about them.
Source: well_known_labels.go and annotation_key_constants.go of k8s.io/api/core/v1 and their sisters, 1.34.
"""

from __future__ import annotations

HOSTNAME = "kubernetes.io/hostname"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
CONTROL_PLANE_ROLE = "node-role.kubernetes.io/control-plane"
ROLE, ROLE_PREFIX = "kubernetes.io/role", "node-role.kubernetes.io/"
HOLLOW_NODE = "sampan.io/hollow"
"""Labels of Nodes; the last is Sampan's own."""
MANAGED_ATTACH_DETACH = "volumes.kubernetes.io/controller-managed-attach-detach"
"""On a Node: its kubelet leaves attaching volumes to the controller-manager."""

SERVICE_NAME = "kubernetes.io/service-name"
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
"""Labels of EndpointSlices: which Service they are of, and who keeps them."""
ENDPOINTS_MANAGED_BY, ENDPOINTS_CONTROLLER = "endpoints.kubernetes.io/managed-by", "endpoint-controller"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
"""Labels of Endpoints: who keeps them, and that no EndpointSlices are to be made of them."""
TOPOLOGY_MODE, OLD_TOPOLOGY_MODE = (
    "service.kubernetes.io/topology-mode",
    "service.kubernetes.io/topology-aware-hints",
)
"""Annotations of Services."""
ADDRESS_MANAGED_BY, IP_ALLOCATOR = "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"
"""The label of IPAddresses, and its value on those of the apiserver."""

MIRROR_POD = "kubernetes.io/config.mirror"
"""The annotation of a copy of a pod that a kubelet runs of its own accord."""
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""The annotation of a pod that says how late it goes when there are too many."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
"""Annotations of Deployments and, but for the first, of their ReplicaSets."""
ROLLBACK_TO = "deprecated.deployment.rollback.to"
"""The annotation of a Deployment that asks for an earlier revision of it."""

SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
"""The type of a Secret, and the annotation that it has."""

API_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
"""Signers of certificates."""

RBAC_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
"""The annotation of what is made at the start: `false` keeps it as it is."""
