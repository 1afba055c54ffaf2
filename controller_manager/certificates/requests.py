"""What a CertificateSigningRequest asks for, read once, and the rules of kubelets' certificates.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/apis/certificates/helpers.go
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.objects import Object, get_path

if TYPE_CHECKING:
    from cryptography import x509


NODE_PREFIX, NODES_GROUP = "system:node:", "system:nodes"
_ENCIPHERMENT, _SIGNATURE = "key encipherment", "digital signature"


@dataclass(frozen=True, slots=True)
class Request:
    """The X.509 part of a request."""

    common_name: str = ""
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


def read(csr: Object) -> Request:
    """The apiserver has stored nothing that is no PKCS#10 request."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    request = load(csr)
    names = _alternative_names(request)
    common_names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    organizations = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Request(
        common_name=str(common_names[-1].value) if common_names else "",
        organizations=tuple(str(each.value) for each in organizations),
        dns_names=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
        addresses=tuple(map(str, names.get_values_for_type(x509.IPAddress))) if names else (),
        emails=tuple(names.get_values_for_type(x509.RFC822Name)) if names else (),
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else (),
    )


def load(csr: Object) -> x509.CertificateSigningRequest:
    """The library costs the process 15 MiB, which a cluster without requests does not pay."""
    from cryptography import x509

    return x509.load_pem_x509_csr(base64.b64decode(csr["spec"]["request"]))


def _alternative_names(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    from cryptography import x509

    try:
        return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def kubelet_client_problem(request: Request, usages: frozenset[str]) -> str:
    """Why a request is not one for a kubelet's client certificate; nothing if it is."""
    return (
        _organization_problem(request)
        or _alternative_name_problem(request, ("DNS", "Email", "IP", "URI"))
        or _common_name_problem(request)
        or _usages_problem(usages, "client auth")
    )


def kubelet_serving_problem(request: Request, usages: frozenset[str]) -> str:
    """Why a request is not one for a kubelet's serving certificate; nothing if it is."""
    has_name = request.dns_names or request.addresses
    return (
        _organization_problem(request)
        or ("" if has_name else "DNS or IP subjectAltName is required")
        or _alternative_name_problem(request, ("Email", "URI"))
        or _usages_problem(usages, "server auth")
        or _common_name_problem(request)
    )


def api_client_problem(request: Request, usages: frozenset[str]) -> str:
    """Why a request is not one for a client certificate of anybody; nothing if it is."""
    if strange := usages - {_SIGNATURE, _ENCIPHERMENT, "client auth"}:
        return f"invalid usage for client certificate: {min(strange)}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


def _organization_problem(request: Request) -> str:
    return "" if request.organizations == (NODES_GROUP,) else "subject organization is not system:nodes"


def _common_name_problem(request: Request) -> str:
    is_node = request.common_name.startswith(NODE_PREFIX)
    return "" if is_node else "subject common name does not begin with system:node:"


def _alternative_name_problem(request: Request, forbidden: Sequence[str]) -> str:
    found = {
        "DNS": request.dns_names,
        "Email": request.emails,
        "IP": request.addresses,
        "URI": request.uris,
    }
    return next((f"{sort} subjectAltNames are not allowed" for sort in forbidden if found[sort]), "")


def _usages_problem(usages: frozenset[str], purpose: str) -> str:
    """Keys that are not RSA encipher no other keys: that usage is optional."""
    if usages - {_ENCIPHERMENT} == {_SIGNATURE, purpose}:
        return ""
    return f"usages did not match [{' '.join(sorted((_SIGNATURE, _ENCIPHERMENT, purpose)))}]"


def usages_of(csr: Object) -> frozenset[str]:
    return frozenset(csr["spec"].get("usages") or ())


def is_decided(csr: Object, *types: str) -> bool:
    """Whether it has one of these conditions."""
    return any(each.get("type") in types for each in get_path(csr, "status.conditions", ()))
