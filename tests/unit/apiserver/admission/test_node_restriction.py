"""NodeRestriction: what a kubelet may write, and in which words it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import (
    CSI_NODES,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_SLICES,
    SERVICE_ACCOUNTS,
    Resource,
)
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.node_restriction import NodeRestriction
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import Decision
from apiserver.request import UserInfo

KUBELET = UserInfo("system:node:n1", groups=("system:nodes",))
OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u1", "controller": True}
VOLUMES = [
    {"name": "a", "projected": {"sources": [{"serviceAccountToken": {"audience": "vault"}}]}},
    {"name": "b", "persistentVolumeClaim": {"claimName": "disk"}},
]


def make_pod(node: str = "n1", **spec: Any) -> Object:
    metadata = {"name": "web", "namespace": "shop", "uid": f"on-{node}"}
    return {"metadata": metadata, "spec": {"nodeName": node, "volumes": VOLUMES, **spec}}


def make_mirror(owners: list[Object] | None = None, node: str = "n1", **spec: Any) -> Object:
    metadata = {"name": "web", "namespace": "shop", "annotations": {"kubernetes.io/config.mirror": "x"}}
    return {
        "metadata": {**metadata, "ownerReferences": [OWNER] if owners is None else owners},
        "spec": {"nodeName": node, **spec},
    }


def make_node(name: str = "n1", taints: list[Object] | None = None, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints or []}}


def token_request(audience: str = "vault", **reference: str) -> Object:
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "on-n1", **reference}
    return {"spec": {"audiences": [audience] if audience else [], "boundObjectRef": bound}}


MINE, THEIRS = make_pod(), make_pod("n2")
STATUS = {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
CLAIM: Object = {"metadata": {"name": "disk"}, "spec": {"volumeName": "pv"}, **STATUS}
OBJECTS: dict[str, Object] = {
    "web": MINE,
    "n1": {"metadata": {"uid": "u1"}},
    "disk": CLAIM,
    "pv": {"spec": {"csi": {"driver": "cloud"}}},
    "cloud": {"spec": {"tokenRequests": [{"audience": "storage"}]}},
}


def lookup(resource: Resource, namespace: str, name: str) -> Object | None:
    return OBJECTS.get(name)


class Rules:
    """RBAC that lets nodes ask for tokens for `granted`."""

    async def authorize(self, attributes: Question) -> Decision:
        return Decision(allowed=attributes.resource == "granted")


def write(
    obj: Object | None,
    resource: Resource = PODS,
    operation: Operation = "CREATE",
    subresource: str = "",
    old: Object | None = None,
    name: str = "web",
    namespace: str = "shop",
) -> Attributes:
    return Attributes(operation, resource, subresource, namespace, name, deep_copy(obj), old, KUBELET)


def update(new: Object, old: Object, resource: Resource = PODS, subresource: str = "") -> Attributes:
    return write(new, resource, "UPDATE", subresource, old, new["metadata"]["name"])


def ask(request: Object) -> Attributes:
    return write(request, SERVICE_ACCOUNTS, subresource="token", name="robot")


def with_labels(pod: Object, **labels: str) -> Object:
    return {**pod, "metadata": {**pod["metadata"], "labels": labels}}


def lease(name: str, namespace: str = "kube-node-lease") -> Attributes:
    return write({"metadata": {"name": name}}, LEASES, name=name, namespace=namespace)


def label_update(key: str) -> Attributes:
    return update(make_node(**{key: "x"}), make_node(), NODES)


ALLOWED: dict[str, Attributes] = {
    "the status of its pod": update(MINE, MINE, subresource="status"),
    "deleting its pod": write(None, operation="DELETE", old=MINE),
    "evicting its pod": write({}, subresource="eviction"),
    "a mirror pod": write(make_mirror()),
    "its node": write(make_node(), NODES, name="n1"),
    "a label that tells what it is": label_update("kubernetes.io/arch"),
    "a label of kubelets": label_update("gpu.node.kubernetes.io/count"),
    "a label of nobody": label_update("example.com/rack"),
    "a label without a domain": label_update("rack"),
    "the size of a claim": update(
        {**CLAIM, "status": {"phase": "Bound"}}, CLAIM, PERSISTENT_VOLUME_CLAIMS, "status"
    ),
    "a token that a volume asks for": ask(token_request()),
    "a token that a driver asks for": ask(token_request("storage")),
    "a token that RBAC lets it ask for": ask(token_request("granted")),
    "its lease": lease("n1"),
    "its CSINode": write({"metadata": {"name": "n1"}}, CSI_NODES, name="n1"),
    "its devices": write({"spec": {"nodeName": "n1"}}, RESOURCE_SLICES, name="x"),
}  # fmt: skip


@pytest.mark.parametrize("attributes", ALLOWED.values(), ids=ALLOWED.keys())
async def test_a_kubelet_may_write(attributes: Attributes) -> None:
    assert NodeRestriction(lookup, Rules()).handles(attributes.operation, attributes.resource, "")
    await NodeRestriction(lookup, Rules()).admit(attributes)


REFUSED: dict[str, tuple[Attributes, str]] = {
    "the status of another's pod": (
        update(THEIRS, THEIRS, subresource="status"),
        'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ),
    "labels through the status": (
        update(with_labels(MINE, app="db"), MINE, subresource="status"),
        'node "n1" cannot update labels through pod status',
    ),
    "deleting another's pod": (
        write(None, operation="DELETE", old=THEIRS),
        'node "n1" can only delete pods with spec.nodeName set to itself',
    ),
    "a pod's spec": (
        update(MINE, MINE),
        'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
    ),
    "another subresource": (
        update(MINE, MINE, subresource="resize"),
        "unexpected pod subresource \"resize\", only 'status' and 'eviction' are allowed",
    ),
    "a pod out of nothing": (
        write(MINE),
        'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ),
    "a mirror pod elsewhere": (
        write(make_mirror(node="n2")), 'node "n1" can only create pods with spec.nodeName set to itself',
    ),
    "a mirror pod of nobody": (
        write(make_mirror([])), 'node "n1" can only create pods with an owner reference set to itself',
    ),
    "a mirror pod of another node of that name": (
        write(make_mirror([OWNER | {"uid": "u0"}])), "node n1 UID mismatch: expected u0 got u1",
    ),
    "a mirror pod with an account": (
        write(make_mirror(serviceAccountName="robot")),
        'node "n1" can not create pods that reference a service account',
    ),
    "a mirror pod with a secret": (
        write(make_mirror(imagePullSecrets=[{"name": "s"}])),
        'node "n1" can not create pods that reference secrets',
    ),
    "a mirror pod with devices": (
        write(make_mirror(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}])),
        'node "n1" can not create pods that reference resourceclaims',
    ),
    "another node": (
        write(make_node("n2"), NODES, name="n2"), 'node "n1" is not allowed to modify node "n2"',
    ),
    "its taints": (
        update(make_node(), make_node(taints=[{"key": "a"}]), NODES),
        'node "n1" is not allowed to modify taints',
    ),
    "a role from the start": (
        write(make_node(**{"node-role.kubernetes.io/control-plane": ""}), NODES, name="n1"),
        'node "n1" is not allowed to set the following labels: node-role.kubernetes.io/control-plane',
    ),
    "a role": (
        label_update("node-role.kubernetes.io/master"),
        "is not allowed to modify labels: node-role.kubernetes.io/master",
    ),
    "a label that is kept from nodes": (
        label_update("pci.node-restriction.kubernetes.io/zone"),
        "is not allowed to modify labels: pci.node-restriction.kubernetes.io/zone",
    ),
    "its owners": (
        update({"metadata": {"name": "n1", "ownerReferences": [OWNER]}}, {"metadata": {"name": "n1"}}, NODES),
        'node "n1" is not allowed to modify ownerReferences',
    ),
    "a claim": (update(CLAIM, CLAIM, PERSISTENT_VOLUME_CLAIMS), "may only update PVC status"),
    "a claim's phase": (
        update({**CLAIM, "status": {"phase": "Lost"}}, CLAIM, PERSISTENT_VOLUME_CLAIMS, "status"),
        'node "n1" is not allowed to update fields other than status.capacity and status.conditions',
    ),
    "a token without a pod": (ask({"spec": {}}), "node requested token not bound to a pod"),
    "a token for any pod of that name": (
        ask(token_request(uid="")), "node requested token with a pod binding without a uid",
    ),
    "a token for a pod that is gone": (
        ask(token_request(uid="on-n0")),
        "the UID in the bound object reference (on-n0) does not match the UID in record. "
        "The object might have been deleted and then recreated",
    ),
    "a token for somebody nobody asked for": (
        ask(token_request("bank")), 'audience "bank" not found in pod spec volume',
    ),
    "another's lease": (
        lease("n2"), "can only access node lease with the same name as the requesting node",
    ),
    "a lease elsewhere": (
        lease("n1", "kube-system"), 'can only access leases in the "kube-node-lease" system namespace',
    ),
    "another's CSINode": (
        write({"metadata": {"name": "n2"}}, CSI_NODES, name="n2"),
        "can only access CSINode with the same name as the requesting node",
    ),
    "another's devices": (
        write({"spec": {"nodeName": "n2"}}, RESOURCE_SLICES, name="x"),
        "can only create ResourceSlice with the same NodeName as the requesting node",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("attributes", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_kubelet_may_not_write(attributes: Attributes, why: str) -> None:
    with pytest.raises(StatusError) as caught:
        await NodeRestriction(lookup, Rules()).admit(attributes)
    assert caught.value.message.endswith(f"is forbidden: {why}")


async def test_others_are_not_restricted() -> None:
    attributes = write(None, operation="DELETE", old=THEIRS)
    attributes.user = UserInfo("jane")
    await NodeRestriction(lookup, Rules()).admit(attributes)
