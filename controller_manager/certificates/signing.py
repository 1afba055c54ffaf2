"""Signs approved requests with the cluster's CA, each signer under its own rules.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/certificates/signer/signer.go
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from apimachinery import scheme
from apimachinery.objects import NamespacedName, Object, deep_copy, get_path
from apimachinery.times import format_time
from apimachinery.well_known import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN
from client.controller import Watch, by_name
from controller_manager.certificates.requests import (
    Request,
    api_client_problem,
    is_decided,
    kubelet_client_problem,
    kubelet_serving_problem,
    load,
    read,
    usages_of,
)
from controller_manager.certificates.signing_files import signing_files
from controller_manager.context import ControllerContext

if TYPE_CHECKING:
    from cryptography import x509

_BACKDATE = timedelta(minutes=5)
"""Certificates begin in the past, for clocks that are behind; short ones get that time back at their end."""
_SHORT = timedelta(hours=8)
_SHORTEST = timedelta(minutes=10)


SIGNERS: dict[str, Callable[[Request, frozenset[str]], str]] = {
    API_CLIENT: api_client_problem,
    KUBELET_CLIENT: kubelet_client_problem,
    KUBELET_SERVING: kubelet_serving_problem,
    LEGACY_UNKNOWN: lambda request, usages: "",
}
"""What each signer refuses to sign, as text; nothing is as good as a yes."""

_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED_USAGES = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}


class CertificateSigningController:
    """One for all signers: they differ in what they refuse."""

    name = "certificatesigningrequest-signing-controller"

    def __init__(self, context: ControllerContext) -> None:
        options = context.options
        self._client = context.client
        self._now = context.now
        self._authorities = signing_files(options)
        self._longest = timedelta(seconds=options.cluster_signing_duration)
        self._requests = context.informers.informer(scheme.CERTIFICATE_SIGNING_REQUESTS)

    def watches(self) -> list[Watch]:
        return [Watch(self._requests, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        csr = self._requests.get(key)
        if csr is None or not is_decided(csr, "Approved") or is_decided(csr, "Denied", "Failed"):
            return None
        signer = csr["spec"].get("signerName", "")
        if signer not in self._authorities or get_path(csr, "status.certificate"):
            return None
        signed = deep_copy(csr)
        if problem := SIGNERS[signer](read(csr), usages_of(csr)):
            signed["status"]["conditions"].append(self._failed(problem))
        else:
            signed["status"]["certificate"] = base64.b64encode(self._sign(csr)).decode()
        await self._client.update_status(scheme.CERTIFICATE_SIGNING_REQUESTS, signed)
        return None

    def _failed(self, problem: str) -> Object:
        return {
            "type": "Failed",
            "status": "True",
            "reason": "SignerValidationFailure",
            "message": problem,
            "lastUpdateTime": format_time(self._now()),
        }

    def _sign(self, csr: Object) -> bytes:
        """The certificate in PEM. The CA is read each time: it may have been renewed."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        certificate_file, key_file = self._authorities[csr["spec"]["signerName"]]
        authority = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key: Any = serialization.load_pem_private_key(key_file.read_bytes(), None)
        life = lifetime(csr["spec"].get("expirationSeconds"), self._longest)
        certificate = issue(load(csr), usages_of(csr), authority, key, life, self._now())
        return certificate.public_bytes(serialization.Encoding.PEM)


def lifetime(wanted: int | None, longest: timedelta) -> timedelta:
    """What is asked for, but no longer than the signer gives and no shorter than makes sense."""
    if wanted is None:
        return longest
    return min(max(timedelta(seconds=wanted), _SHORTEST), longest)


def issue(
    request: x509.CertificateSigningRequest,
    usages: frozenset[str],
    authority: x509.Certificate,
    key: Any,
    life: timedelta,
    now: datetime,
) -> x509.Certificate:
    """It never outlives the authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    begin = now - _BACKDATE
    end = min((now if life < _SHORT else begin) + life, authority.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder(
            authority.subject, request.subject, request.public_key(), x509.random_serial_number()
        )
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for extension, critical in _extensions(request, usages):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, hashes.SHA256())


def _extensions(
    request: x509.CertificateSigningRequest, usages: frozenset[str]
) -> list[tuple[x509.ExtensionType, bool]]:
    from cryptography import x509

    found: list[tuple[x509.ExtensionType, bool]] = []
    if allowed := {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}:
        found.append((x509.KeyUsage(**{name: name in allowed for name in {*_KEY_USAGES.values()}}), True))
    extended = sorted({_EXTENDED_USAGES[usage] for usage in usages if usage in _EXTENDED_USAGES})
    if extended:
        found.append((x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in extended]), False))
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return found
    return [*found, (names.value, names.critical)]
