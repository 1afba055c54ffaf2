"""Certificate requests: who may approve and sign them, and what may not be asked for."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.scheme import CERTIFICATE_SIGNING_REQUESTS
from apiserver.admission.attributes import Attributes, Operation, Plugin
from apiserver.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import Decision
from apiserver.registry.strategies.certificates import set_condition_times
from apiserver.request import UserInfo

CLIENT = "kubernetes.io/kube-apiserver-client"
APPROVED, DENIED = {"type": "Approved", "status": "True"}, {"type": "Denied", "status": "True"}


class Rights:
    """Who holds (verb, signer)."""

    def __init__(self, *held: tuple[str, str]) -> None:
        self._held = held

    async def authorize(self, attributes: Question) -> Decision:
        asked = (attributes.verb, attributes.name)
        is_signer = (attributes.group, attributes.resource) == ("certificates.k8s.io", "signers")
        return Decision(allowed=is_signer and asked in self._held)


def csr(signer: str = CLIENT, group: str = "devs", **status: object) -> Object:
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)])
    made = x509.CertificateSigningRequestBuilder(subject).sign(
        ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()
    )
    request = base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()
    return {
        "metadata": {"name": "me"},
        "spec": {"signerName": signer, "request": request},
        "status": status,
    }


def write(operation: Operation, subresource: str, new: Object, old: Object | None = None) -> Attributes:
    jane = UserInfo("jane")
    return Attributes(operation, CERTIFICATE_SIGNING_REQUESTS, subresource, "", "me", new, old, jane)


def approve() -> Attributes:
    return write("UPDATE", "approval", csr(conditions=[APPROVED]), csr())


def sign(new: Object) -> Attributes:
    return write("UPDATE", "status", new, csr(conditions=[APPROVED]))


NOT_APPROVED = f'user not permitted to approve requests with signerName "{CLIENT}"'
NOT_SIGNED = f'user not permitted to sign requests with signerName "{CLIENT}"'
ISSUED = {"certificate": "x", "conditions": [APPROVED]}

WRITES: dict[str, tuple[Plugin, Attributes, str]] = {
    "an approval by who may": (CertificateApproval(Rights(("approve", CLIENT))), approve(), ""),
    "an approval by who may for the domain": (
        CertificateApproval(Rights(("approve", "kubernetes.io/*"))), approve(), "",
    ),
    "an approval by who signs": (CertificateApproval(Rights(("sign", CLIENT))), approve(), NOT_APPROVED),
    "an approval that names another signer": (
        CertificateApproval(Rights(("approve", "example.com/own"))),
        write("UPDATE", "approval", csr("example.com/own", conditions=[APPROVED]), csr()), NOT_APPROVED,
    ),
    "a certificate by who signs": (CertificateSigning(Rights(("sign", CLIENT))), sign(csr(**ISSUED)), ""),
    "a certificate by another": (CertificateSigning(Rights()), sign(csr(**ISSUED)), NOT_SIGNED),
    "a failure told by another": (
        CertificateSigning(Rights()), sign(csr(conditions=[APPROVED, {"type": "Failed"}])), NOT_SIGNED,
    ),
    "a status that says nothing new": (CertificateSigning(Rights()), sign(csr(conditions=[APPROVED])), ""),
    "a request for oneself": (CertificateSubjectRestriction(), write("CREATE", "", csr()), ""),
    "a request for all power": (
        CertificateSubjectRestriction(), write("CREATE", "", csr(group="system:masters")),
        f"use of {CLIENT} signer with system:masters group is not allowed",
    ),
    "all power of another signer": (
        CertificateSubjectRestriction(), write("CREATE", "", csr("example.com/own", "system:masters")), "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("plugin", "attributes", "why_not"), WRITES.values(), ids=WRITES.keys())
async def test_what_is_let_through(plugin: Plugin, attributes: Attributes, why_not: str) -> None:
    assert plugin.handles(attributes.operation, attributes.resource, attributes.subresource)
    if not why_not:
        await plugin.validate(attributes)
    else:
        with pytest.raises(StatusError) as caught:
            await plugin.validate(attributes)
        assert caught.value.message.endswith(f'"me" is forbidden: {why_not}')


def test_conditions_say_since_when() -> None:
    old = csr(conditions=[{**APPROVED, "lastTransitionTime": "before"}])
    new = csr(conditions=[dict(APPROVED), {**DENIED, "lastUpdateTime": "own"}])
    set_condition_times(new, old, "now")
    assert new["status"]["conditions"] == [
        {**APPROVED, "lastTransitionTime": "before", "lastUpdateTime": "before"},
        {**DENIED, "lastTransitionTime": "now", "lastUpdateTime": "own"},
    ]
