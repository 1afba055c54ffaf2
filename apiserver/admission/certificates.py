"""Who may approve and sign certificate requests, and which group nobody can be certified to be in.

Source: plugin/pkg/admission/certificates of Kubernetes 1.34.
"""

from __future__ import annotations

import base64

from apimachinery.objects import Object, get_path
from apimachinery.scheme import CERTIFICATE_SIGNING_REQUESTS, CERTIFICATES, Resource
from apimachinery.well_known import API_CLIENT
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import MASTERS, Authorizer
from apiserver.request import UserInfo


class CertificateApproval:
    """An update of approval needs the right to approve what the request's signer signs."""

    name = "CertificateApproval"

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (operation, resource, subresource) == ("UPDATE", CERTIFICATE_SIGNING_REQUESTS, "approval")

    async def validate(self, attributes: Attributes) -> None:
        signer = get_path(attributes.old_object, "spec.signerName", "")
        if not await may_act_for(self._authorizer, attributes.user, "approve", signer):
            raise refuse(attributes, f'user not permitted to approve requests with signerName "{signer}"')


class CertificateSigning:
    """A certificate, or a condition in the status, needs the right to sign as the request's signer."""

    name = "CertificateSigning"

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (operation, resource, subresource) == ("UPDATE", CERTIFICATE_SIGNING_REQUESTS, "status")

    async def validate(self, attributes: Attributes) -> None:
        if _outcome(attributes.object) == _outcome(attributes.old_object):
            return
        signer = get_path(attributes.old_object, "spec.signerName", "")
        if not await may_act_for(self._authorizer, attributes.user, "sign", signer):
            raise refuse(attributes, f'user not permitted to sign requests with signerName "{signer}"')


class CertificateSubjectRestriction:
    """No client certificate makes anybody a member of system:masters."""

    name = "CertificateSubjectRestriction"

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (operation, resource, subresource) == ("CREATE", CERTIFICATE_SIGNING_REQUESTS, "")

    async def validate(self, attributes: Attributes) -> None:
        request = attributes.object or {}
        if get_path(request, "spec.signerName") == API_CLIENT and MASTERS in _organizations(request):
            raise refuse(attributes, f"use of {API_CLIENT} signer with {MASTERS} group is not allowed")


async def may_act_for(authorizer: Authorizer, user: UserInfo, verb: str, signer: str) -> bool:
    """Whether a user has a verb on a signer, or on all signers of its domain."""
    domain = signer.partition("/")[0]
    for name in (signer, f"{domain}/*"):
        question = Question(user, verb, "", CERTIFICATES, "*", "signers", "", name, is_resource=True)
        if (await authorizer.authorize(question)).allowed:
            return True
    return False


def _outcome(request: Object | None) -> tuple[str, list[Object]]:
    return get_path(request, "status.certificate", ""), get_path(request, "status.conditions", [])


def _organizations(request: Object) -> list[str]:
    """What is validated when this is asked is a PKCS#10 request."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parsed = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
    return [str(each.value) for each in parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
