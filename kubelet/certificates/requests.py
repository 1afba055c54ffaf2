"""The CertificateSigningRequests of a node: what they say, and how they are waited for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from dataclasses import dataclass

from apimachinery.conditions import condition_of
from apimachinery.errors import AlreadyExistsError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import CERTIFICATE_SIGNING_REQUESTS
from apimachinery.well_known import KUBELET_CLIENT
from client.rest import Client
from client.waiting import until
from component_base.certificates import CertificateError, new_key, new_request
from kubelet.certificates.store import CertificateStore

log = logging.getLogger(__name__)

NODES_GROUP = "system:nodes"
_PATIENCE = 15 * 60.0
"""Then another request is made, with another key."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate that the node is to have."""

    node: str
    signer: str
    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def usages(self) -> list[str]:
        return ["digital signature", "client auth" if self.signer == KUBELET_CLIENT else "server auth"]


class RequestRefused(Exception):
    """Somebody has decided against the request."""


def request_object(wanted: Wanted, pem: str, key_digest: str) -> Object:
    """Named after what it asks for and the key: asking twice is asking once."""
    asked = f"{key_digest} {wanted.signer} {wanted.dns} {wanted.addresses}"
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": f"node-csr-{hashlib.sha256(asked.encode()).hexdigest()[:40]}"},
        "spec": {
            "signerName": wanted.signer,
            "usages": wanted.usages,
            "request": base64.b64encode(pem.encode()).decode(),
        },
    }


def outcome(csr: Object) -> str:
    """The certificate in PEM; nothing as long as it has not been issued. Raises RequestRefused."""
    for refusal in ("Denied", "Failed"):
        condition = condition_of(csr, refusal)
        if condition is not None:
            raise RequestRefused(f"{refusal}: {condition.get('reason', '')}: {condition.get('message', '')}")
    return base64.b64decode(get_path(csr, "status.certificate") or "").decode()


async def obtain(client: Client, wanted: Wanted, store: CertificateStore) -> tuple[str, str]:
    """(key, certificate), once it has been issued. A key under way is taken up again.

    Raises RequestRefused, StatusError, ConnectionFailed, CertificateError, OSError.
    """
    key = store.pending_key() or await new_key()
    store.keep_pending_key(key)
    name = f"system:node:{wanted.node}"
    try:
        made = await new_request(key, name, [NODES_GROUP], wanted.dns, wanted.addresses)
    except CertificateError:
        store.forget_pending_key()  # it may be none, and is asked for anew
        raise
    csr = request_object(wanted, *made)
    try:
        csr = await client.create(CERTIFICATE_SIGNING_REQUESTS, csr)
        log.info("Requested a certificate: csr=%s signer=%s", csr["metadata"]["name"], wanted.signer)
    except AlreadyExistsError:
        pass
    try:
        async with asyncio.timeout(_PATIENCE):
            return key, await _issued(client, csr["metadata"]["name"])
    except TimeoutError as error:
        store.forget_pending_key()
        raise RequestRefused(f"nobody decided on the request {csr['metadata']['name']}") from error
    except RequestRefused:
        store.forget_pending_key()
        raise


async def _issued(client: Client, name: str) -> str:
    """Follows the request until somebody has decided."""

    def is_decided(csr: Object | None) -> bool:
        return csr is None or bool(outcome(csr))

    csr = await until(client, CERTIFICATE_SIGNING_REQUESTS, name, "", is_decided)
    if csr is None:
        raise RequestRefused(f"the request {name} was deleted")
    return outcome(csr)
