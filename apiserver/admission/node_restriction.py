"""NodeRestriction: a kubelet changes its own node, and the pods bound to it, and nothing else.

Source: plugin/pkg/admission/noderestriction/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.objects import Object, annotations_of, get_path, labels_of
from apimachinery.scheme import LEASES, NODES, PODS, SERVICE_ACCOUNTS, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.auth.node import node_of
from apiserver.storage.cached import Lookup

_MIRROR = "kubernetes.io/config.mirror"
_FORBIDDEN_LABELS = "node-restriction.kubernetes.io/"


class NodeRestriction:
    name = "NodeRestriction"

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource in (PODS, NODES, LEASES, SERVICE_ACCOUNTS)

    async def admit(self, attributes: Attributes) -> None:
        node = node_of(attributes.user)
        if node is None:
            return
        if attributes.resource == PODS:
            self._check_pod(node, attributes)
        elif attributes.resource == NODES:
            _check_node(node, attributes)
        elif attributes.resource == LEASES:
            _check_lease(node, attributes)
        elif attributes.subresource == "token":
            self._check_token(node, attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Everything has been said before anything was changed."""

    def _check_pod(self, node: str, attributes: Attributes) -> None:
        match attributes.operation, attributes.subresource:
            case "CREATE", "":
                _check_mirror(node, attributes)
            case "DELETE", "":
                self._check_bound(node, attributes, "can only delete pods")
            case "UPDATE", "status":
                self._check_bound(node, attributes, "can only update pod status for pods")
            case "CREATE", "eviction":
                self._check_bound(node, attributes, "can only evict pods")
            case _, subresource:
                raise refuse(attributes, f'unexpected pod subresource "{subresource}"')

    def _check_bound(self, node: str, attributes: Attributes, what: str) -> None:
        pod = attributes.old_object or self._lookup(PODS, attributes.namespace, attributes.name)
        if pod is not None and get_path(pod, "spec.nodeName") != node:
            raise refuse(attributes, f'node "{node}" {what} with spec.nodeName set to itself')

    def _check_token(self, node: str, attributes: Attributes) -> None:
        reference = get_path(attributes.object, "spec.boundObjectRef") or {}
        if reference.get("kind") != "Pod" or not reference.get("name"):
            raise refuse(attributes, "node requested token not bound to a pod")
        if not reference.get("uid"):
            raise refuse(attributes, "node requested token with a pod binding without a uid")
        pod = self._lookup(PODS, attributes.namespace, reference["name"])
        if pod is None or pod["metadata"]["uid"] != reference["uid"]:
            raise refuse(attributes, "the UID in the bound object reference does not match the UID in record")
        if get_path(pod, "spec.nodeName") != node:
            raise refuse(attributes, "node requested token bound to a pod scheduled on a different node")


def _check_mirror(node: str, attributes: Attributes) -> None:
    pod = attributes.object or {}
    if _MIRROR not in annotations_of(pod):
        text = f'pod does not have "{_MIRROR}" annotation, node "{node}" can only create mirror pods'
        raise refuse(attributes, text)
    if get_path(pod, "spec.nodeName") != node:
        raise refuse(attributes, f'node "{node}" can only create pods with spec.nodeName set to itself')


def _check_node(node: str, attributes: Attributes) -> None:
    wanted = attributes.object or {}
    name = attributes.name or get_path(wanted, "metadata.name", "")
    if name != node:
        raise refuse(attributes, f'node "{node}" is not allowed to modify node "{name}"')
    if attributes.operation == "DELETE":
        return
    old = attributes.old_object or {}
    changed = {
        key for key in {*labels_of(wanted), *labels_of(old)} if _label(wanted, key) != _label(old, key)
    }
    forbidden = sorted(key for key in changed if key.partition("/")[0].endswith(_FORBIDDEN_LABELS[:-1]))
    if forbidden:
        shown = ", ".join(forbidden)
        raise refuse(attributes, f"is not allowed to modify labels: {shown}")
    is_update = attributes.operation == "UPDATE" and not attributes.subresource
    if is_update and get_path(wanted, "spec.taints", []) != get_path(old, "spec.taints", []):
        raise refuse(attributes, f'node "{node}" is not allowed to modify taints')


def _label(obj: Object, key: str) -> str | None:
    return labels_of(obj).get(key)


def _check_lease(node: str, attributes: Attributes) -> None:
    name = attributes.name or get_path(attributes.object, "metadata.name", "")
    if attributes.namespace != "kube-node-lease":
        raise refuse(attributes, 'can only access leases in the "kube-node-lease" system namespace')
    if name != node:
        raise refuse(attributes, "can only access node lease with the same name as the requesting node")
