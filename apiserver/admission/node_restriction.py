"""NodeRestriction: a kubelet changes its own node, and what belongs to the pods on it, and nothing else.

Source: plugin/pkg/admission/noderestriction/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, annotations_of, get_path, labels_of
from apimachinery.pod_references import references_of
from apimachinery.scheme import (
    CSI_DRIVERS,
    CSI_NODES,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    RESOURCE_SLICES,
    SERVICE_ACCOUNTS,
    Resource,
)
from apimachinery.well_known import MIRROR_POD
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import Authorizer
from apiserver.auth.node import node_of
from apiserver.storage.cached import Lookup

_RESTRICTED = "node-restriction.kubernetes.io"
_OURS = ("kubernetes.io", "k8s.io")
_KUBELET_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBELET_LABELS = frozenset(
    f"{prefix}/{name}"
    for prefix, names in {
        "kubernetes.io": "hostname os arch",
        "topology.kubernetes.io": "zone region",
        "failure-domain.beta.kubernetes.io": "zone region",
        "node.kubernetes.io": "instance-type",
        "beta.kubernetes.io": "instance-type os arch",
    }.items()
    for name in names.split()
)
_REFERRED = ("secrets", "configmaps", "persistentvolumeclaims", "resourceclaims")
_CLAIM_STATUS = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")


class NodeRestriction:
    name = "NodeRestriction"

    def __init__(self, lookup: Lookup, authorizer: Authorizer) -> None:
        self._lookup = lookup
        self._authorizer = authorizer
        self._checks = {
            PODS: self._check_pod,
            NODES: _check_node,
            PERSISTENT_VOLUME_CLAIMS: _check_claim,
            LEASES: _check_lease,
            CSI_NODES: _check_csi_node,
            RESOURCE_SLICES: _check_slice,
        }

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (resource in self._checks or resource == SERVICE_ACCOUNTS) and operation != "CONNECT"

    async def admit(self, attributes: Attributes) -> None:
        node = node_of(attributes.user)
        if node is None:
            return
        if attributes.resource == SERVICE_ACCOUNTS:
            await self._check_token(node, attributes)
        else:
            self._checks[attributes.resource](node, attributes)

    def _check_pod(self, node: str, attributes: Attributes) -> None:
        match attributes.operation, attributes.subresource:
            case "CREATE", "":
                self._check_mirror(node, attributes)
            case "DELETE", "":
                what = f'node "{node}" can only delete pods with spec.nodeName set to itself'
                self._check_bound(node, attributes, what)
            case operation, "":
                what = f'unexpected operation "{operation}", node "{node}"'
                raise refuse(attributes, f"{what} can only create and delete mirror pods")
            case "UPDATE", "status":
                _check_pod_status(node, attributes)
            case "CREATE", "eviction":
                what = f"node {node} can only evict pods with spec.nodeName set to itself"
                self._check_bound(node, attributes, what)
            case _, subresource:
                what = f'unexpected pod subresource "{subresource}"'
                raise refuse(attributes, f"{what}, only 'status' and 'eviction' are allowed")

    def _check_bound(self, node: str, attributes: Attributes, otherwise: str) -> None:
        pod = attributes.old_object or self._lookup(PODS, attributes.namespace, attributes.name)
        if pod is None:
            raise NotFoundError(PODS, attributes.name)
        if get_path(pod, "spec.nodeName") != node:
            raise refuse(attributes, otherwise)

    def _check_mirror(self, node: str, attributes: Attributes) -> None:
        pod = attributes.object or {}
        if MIRROR_POD not in annotations_of(pod):
            text = f'pod does not have "{MIRROR_POD}" annotation, node "{node}" can only create mirror pods'
            raise refuse(attributes, text)
        for wrong in _wrong_in_mirror(node, pod):
            raise refuse(attributes, f'node "{node}" {wrong}')
        found = self._lookup(NODES, "", node)
        if found is None:
            raise NotFoundError(NODES, node)
        uid, wanted = found["metadata"]["uid"], pod["metadata"]["ownerReferences"][0].get("uid")
        if uid != wanted:
            raise refuse(attributes, f"node {node} UID mismatch: expected {wanted} got {uid}")

    async def _check_token(self, node: str, attributes: Attributes) -> None:
        if attributes.operation != "CREATE" or attributes.subresource != "token":
            return
        spec = (attributes.object or {}).get("spec") or {}
        reference = spec.get("boundObjectRef") or {}
        name = reference.get("name")
        if (reference.get("apiVersion"), reference.get("kind")) != ("v1", "Pod") or not name:
            raise refuse(attributes, "node requested token not bound to a pod")
        if not reference.get("uid"):
            raise refuse(attributes, "node requested token with a pod binding without a uid")
        pod = self._lookup(PODS, attributes.namespace, name)
        if pod is None:
            raise NotFoundError(PODS, name)
        if pod["metadata"]["uid"] != reference["uid"]:
            text = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
            )
            raise refuse(attributes, f"{text}. The object might have been deleted and then recreated")
        if get_path(pod, "spec.nodeName") != node:
            raise refuse(attributes, "node requested token bound to a pod scheduled on a different node")
        await self._check_audience(attributes, pod, spec.get("audiences") or [""])

    async def _check_audience(self, attributes: Attributes, pod: Object, audiences: list[str]) -> None:
        """What a volume of the pod asks for, or RBAC lets nodes ask for."""
        if len(audiences) > 1:
            raise refuse(attributes, "node may only request 0 or 1 audiences")
        audience = audiences[0]
        if audience in self._audiences_of(pod):
            return
        where = (attributes.namespace, "", "", audience, "", attributes.name)
        verb = "request-serviceaccounts-token-audience"
        question = Question(attributes.user, verb, *where, is_resource=True)
        if not (await self._authorizer.authorize(question)).allowed:
            raise refuse(attributes, f'audience "{audience}" not found in pod spec volume')

    def _audiences_of(self, pod: Object) -> Iterator[str]:
        for volume in pod["spec"].get("volumes") or ():
            for source in get_path(volume, "projected.sources", ()):
                if "serviceAccountToken" in source:
                    yield source["serviceAccountToken"].get("audience") or ""
            driver = self._lookup(CSI_DRIVERS, "", self._driver_of(pod, volume))
            for request in get_path(driver, "spec.tokenRequests", ()):
                yield request.get("audience") or ""

    def _driver_of(self, pod: Object, volume: Object) -> str:
        """The CSI driver of an inline volume or of the one a claim is bound to; nothing for others."""
        claim_name = get_path(volume, "persistentVolumeClaim.claimName", "")
        if "ephemeral" in volume:
            claim_name = f"{pod['metadata']['name']}-{volume['name']}"
        if not claim_name:
            return str(get_path(volume, "csi.driver", ""))
        claim = self._lookup(PERSISTENT_VOLUME_CLAIMS, pod["metadata"]["namespace"], claim_name)
        found = self._lookup(PERSISTENT_VOLUMES, "", get_path(claim, "spec.volumeName", ""))
        return str(get_path(found, "spec.csi.driver", ""))


def _wrong_in_mirror(node: str, pod: Object) -> Iterator[str]:
    """What keeps a node from creating such a mirror pod; its owner is one, the node, if nothing does."""
    if get_path(pod, "spec.nodeName") != node:
        yield "can only create pods with spec.nodeName set to itself"
    owners = pod["metadata"].get("ownerReferences") or []
    if len(owners) > 1:
        yield "can only create pods with a single owner reference set to itself"
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        yield "can only create pods with an owner reference set to itself"
    if not owner.get("controller"):
        yield "can only create pods with a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        yield "must not set blockOwnerDeletion on an owner reference"
    if pod["spec"].get("serviceAccountName"):
        yield "can not create pods that reference a service account"
    referred = {plural for plural, _ in references_of(pod)}
    yield from (f"can not create pods that reference {each}" for each in _REFERRED if each in referred)
    for volume in pod["spec"].get("volumes") or ():
        if any("clusterTrustBundle" in each for each in get_path(volume, "projected.sources", ())):
            yield "can not create pods that reference clustertrustbundles"


def _check_pod_status(node: str, attributes: Attributes) -> None:
    new, old = attributes.object or {}, attributes.old_object or {}
    if get_path(old, "spec.nodeName") != node:
        text = f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
        raise refuse(attributes, text)
    if labels_of(new) != labels_of(old):
        raise refuse(attributes, f'node "{node}" cannot update labels through pod status')
    path = "status.resourceClaimStatuses"
    if get_path(new, path, []) != get_path(old, path, []):
        raise refuse(attributes, f'node "{node}" cannot update resource claim statues')


def _check_node(node: str, attributes: Attributes) -> None:
    new, old = attributes.object or {}, attributes.old_object or {}
    name = attributes.name or get_path(new, "metadata.name", "")
    if name != node:
        raise refuse(attributes, f'node "{node}" is not allowed to modify node "{name}"')
    labels, before = labels_of(new), labels_of(old)
    changed = (key for key in {*labels, *before} if labels.get(key) != before.get(key))
    forbidden = ", ".join(sorted(_forbidden_labels(changed)))
    if attributes.operation == "CREATE" and forbidden:
        text = f'node "{node}" is not allowed to set the following labels: {forbidden}'
        raise refuse(attributes, text)
    if attributes.operation != "UPDATE":
        return
    if get_path(new, "spec.taints", []) != get_path(old, "spec.taints", []):
        raise refuse(attributes, f'node "{node}" is not allowed to modify taints')
    if forbidden:
        raise refuse(attributes, f"is not allowed to modify labels: {forbidden}")
    if get_path(new, "metadata.ownerReferences", []) != get_path(old, "metadata.ownerReferences", []):
        raise refuse(attributes, f'node "{node}" is not allowed to modify ownerReferences')


def _forbidden_labels(keys: Iterable[str]) -> Iterator[str]:
    """With which a node could draw pods to itself that are not meant for it."""
    for key in keys:
        domain = key.rpartition("/")[0]
        known = key in _KUBELET_LABELS or _is_below(domain, _KUBELET_NAMESPACES)
        if _is_below(domain, (_RESTRICTED,)) or (_is_below(domain, _OURS) and not known):
            yield key


def _is_below(domain: str, parents: Iterable[str]) -> bool:
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)


def _check_claim(node: str, attributes: Attributes) -> None:
    if attributes.subresource != "status":
        raise refuse(attributes, "may only update PVC status")
    new, old = (_without_sizes(each or {}) for each in (attributes.object, attributes.old_object))
    if new != old:
        text = (
            f'node "{node}" is not allowed to update fields other than status.capacity and status.conditions'
        )
        raise refuse(attributes, text)


def _without_sizes(claim: Object) -> Object:
    left_out = ("resourceVersion", "managedFields")
    metadata = {key: value for key, value in claim.get("metadata", {}).items() if key not in left_out}
    status = {key: value for key, value in claim.get("status", {}).items() if key not in _CLAIM_STATUS}
    return {**claim, "metadata": metadata, "status": status}


def _check_lease(node: str, attributes: Attributes) -> None:
    if attributes.namespace != "kube-node-lease":
        raise refuse(attributes, 'can only access leases in the "kube-node-lease" system namespace')
    if _name_of(attributes) != node:
        raise refuse(attributes, "can only access node lease with the same name as the requesting node")


def _check_csi_node(node: str, attributes: Attributes) -> None:
    if _name_of(attributes) != node:
        raise refuse(attributes, "can only access CSINode with the same name as the requesting node")


def _check_slice(node: str, attributes: Attributes) -> None:
    if attributes.operation in ("CREATE", "DELETE"):
        found = attributes.object or attributes.old_object
        if get_path(found, "spec.nodeName") != node:
            verb = attributes.operation.lower()
            text = f"can only {verb} ResourceSlice with the same NodeName as the requesting node"
            raise refuse(attributes, text)


def _name_of(attributes: Attributes) -> str:
    return attributes.name or str(get_path(attributes.object, "metadata.name", ""))
