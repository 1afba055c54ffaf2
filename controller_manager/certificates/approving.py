"""Approves kubelets' requests for certificates by themselves: nobody has to, where RBAC says so.

A client certificate is approved if the requestor may create the subresource `nodeclient` (a machine that
joins) or `selfnodeclient` (a node that renews its own). A serving certificate is approved if a node asks for
its own name and for addresses that its Node object has: upstream leaves these to an administrator.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/certificates/approver/sarapprove.go
"""

from __future__ import annotations

from typing import NamedTuple

from apimachinery import scheme
from apimachinery.objects import NamespacedName, Object, deep_copy, get_path
from apimachinery.times import format_time
from apimachinery.well_known import KUBELET_CLIENT, KUBELET_SERVING
from client.controller import Watch, by_name
from controller_manager.certificates.requests import (
    NODE_PREFIX,
    Request,
    is_decided,
    kubelet_client_problem,
    kubelet_serving_problem,
    read,
    usages_of,
)
from controller_manager.context import ControllerContext


class Permission(NamedTuple):
    """A subresource that the requestor must be allowed to create, and what the approval then says."""

    subresource: str
    message: str


_SELF = Permission(
    "selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."
)
_ANY = Permission("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")
_SERVING_MESSAGE = "Auto approving a node's serving certificate for the addresses of its Node object."


def permissions(csr: Object, request: Request) -> list[Permission]:
    """Any of them is enough to approve a kubelet's client certificate; none for other requests."""
    if csr["spec"].get("signerName") != KUBELET_CLIENT or kubelet_client_problem(request, usages_of(csr)):
        return []
    return [_SELF, _ANY] if csr["spec"].get("username") == request.common_name else [_ANY]


def serves_itself(csr: Object, request: Request, node: Object | None) -> bool:
    """Whether a node asks for a serving certificate that names nothing but itself."""
    if csr["spec"].get("signerName") != KUBELET_SERVING or kubelet_serving_problem(request, usages_of(csr)):
        return False
    if csr["spec"].get("username") != request.common_name or node is None:
        return False
    addresses = {each["address"] for each in get_path(node, "status.addresses", ())}
    names = addresses | {node["metadata"]["name"]}
    return {*request.dns_names} <= names and {*request.addresses} <= addresses


class CertificateApprovingController:
    name = "certificatesigningrequest-approving-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._requests = context.informers.informer(scheme.CERTIFICATE_SIGNING_REQUESTS)
        self._nodes = context.informers.informer(scheme.NODES)

    def watches(self) -> list[Watch]:
        return [Watch(self._requests, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        csr = self._requests.get(key)
        if csr is None or get_path(csr, "status.certificate") or is_decided(csr, "Approved", "Denied"):
            return None
        if message := await self._reason(csr, read(csr)):
            await self._approve(csr, message)
        return None

    async def _reason(self, csr: Object, request: Request) -> str:
        """Why it is approved; nothing if somebody else has to look at it."""
        for permission in permissions(csr, request):
            if await self._may_create(csr, permission.subresource):
                return permission.message
        node = self._nodes.get(NamespacedName("", request.common_name.removeprefix(NODE_PREFIX)))
        return _SERVING_MESSAGE if serves_itself(csr, request, node) else ""

    async def _may_create(self, csr: Object, subresource: str) -> bool:
        spec = csr["spec"]
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": spec.get("username", ""),
                "uid": spec.get("uid", ""),
                "groups": spec.get("groups") or [],
                "extra": spec.get("extra") or {},
                "resourceAttributes": {
                    "group": scheme.CERTIFICATES,
                    "resource": "certificatesigningrequests",
                    "verb": "create",
                    "version": "*",
                    "subresource": subresource,
                },
            },
        }
        answer = await self._client.create(scheme.SUBJECT_ACCESS_REVIEWS, review)
        return bool(get_path(answer, "status.allowed"))

    async def _approve(self, csr: Object, message: str) -> None:
        approved = deep_copy(csr)
        condition = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message}
        condition["lastUpdateTime"] = format_time(self._now())
        approved.setdefault("status", {}).setdefault("conditions", []).append(condition)
        await self._client.update(scheme.CERTIFICATE_SIGNING_REQUESTS, approved, subresource="approval")
