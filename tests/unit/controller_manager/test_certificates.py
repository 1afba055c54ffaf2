"""Certificate requests: what is approved, what each signer refuses, what the certificate then says."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apimachinery.objects import Object
from apimachinery.well_known import KUBELET_CLIENT, KUBELET_SERVING
from controller_manager.certificates import cleaning
from controller_manager.certificates.approving import permissions, serves_itself
from controller_manager.certificates.requests import Request, load, read, usages_of
from controller_manager.certificates.signing import SIGNERS, issue, lifetime

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
API_SIGNER = "kubernetes.io/kube-apiserver-client"
CLIENT_USAGES = ("digital signature", "key encipherment", "client auth")
SERVING_USAGES = ("digital signature", "server auth")
NODES = ("system:nodes",)
NODE = Request("system:node:n1", NODES)
SERVER = Request("system:node:n1", NODES, ("n1",), ("192.0.2.7",))


def csr(signer: str, *usages: str, username: str = "system:node:n1", names: tuple[Any, ...] = ()) -> Object:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, "system:node:n1"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    spec = {"signerName": signer, "usages": list(usages), "username": username}
    return {"metadata": {}, "spec": {**spec, "request": base64.b64encode(pem).decode()}}


def test_a_request_is_read_once() -> None:
    names = (
        x509.DNSName("n1"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
        x509.RFC822Name("a@example.com"),
        x509.UniformResourceIdentifier("spiffe://x"),
    )
    assert read(csr(KUBELET_SERVING, names=names)) == Request(
        "system:node:n1", NODES, ("n1",), ("192.0.2.7",), ("a@example.com",), ("spiffe://x",)
    )


@pytest.mark.parametrize(
    ("signer", "request_", "usages", "problem"),
    [
        pytest.param(KUBELET_CLIENT, NODE, CLIENT_USAGES, "", id="a kubelet's client certificate"),
        pytest.param(KUBELET_CLIENT, NODE, ("digital signature", "client auth"), "", id="with no RSA key"),
        pytest.param(
            KUBELET_CLIENT, NODE, SERVING_USAGES,
            "usages did not match [client auth digital signature key encipherment]", id="other usages",
        ),
        pytest.param(
            KUBELET_CLIENT, Request("system:node:n1", ("system:masters",)), CLIENT_USAGES,
            "subject organization is not system:nodes", id="another group",
        ),
        pytest.param(
            KUBELET_CLIENT, Request("kubernetes-admin", NODES), CLIENT_USAGES,
            "subject common name does not begin with system:node:", id="no node's name",
        ),
        pytest.param(
            KUBELET_CLIENT, SERVER, CLIENT_USAGES, "DNS subjectAltNames are not allowed", id="with names"
        ),
        pytest.param(KUBELET_SERVING, SERVER, SERVING_USAGES, "", id="a kubelet's serving certificate"),
        pytest.param(
            KUBELET_SERVING, NODE, SERVING_USAGES, "DNS or IP subjectAltName is required", id="without names"
        ),
        pytest.param(
            KUBELET_SERVING, Request("system:node:n1", NODES, ("n1",), uris=("u",)), SERVING_USAGES,
            "URI subjectAltNames are not allowed", id="with a URI",
        ),
        pytest.param(API_SIGNER, Request("me"), ("client auth",), "", id="anybody"),
        pytest.param(
            API_SIGNER, Request("me"), ("client auth", "server auth"),
            "invalid usage for client certificate: server auth", id="a client that would serve",
        ),
        pytest.param(
            API_SIGNER, Request("me"), ("digital signature",),
            "missing required usage for client certificate: client auth", id="a client that is none",
        ),
        pytest.param("kubernetes.io/legacy-unknown", Request(), ("any",), "", id="of old, whatever it is"),
    ],
)  # fmt: skip
def test_what_a_signer_refuses(signer: str, request_: Request, usages: tuple[str, ...], problem: str) -> None:
    assert SIGNERS[signer](request_, frozenset(usages)) == problem


@pytest.mark.parametrize(
    ("username", "usages", "expected"),
    [
        pytest.param("system:node:n1", CLIENT_USAGES, ["selfnodeclient", "nodeclient"], id="its own"),
        pytest.param("system:bootstrap:abcdef", CLIENT_USAGES, ["nodeclient"], id="of a machine that joins"),
        pytest.param("system:node:n1", SERVING_USAGES, [], id="no kubelet's client certificate"),
    ],
)
def test_which_permission_approves(username: str, usages: tuple[str, ...], expected: list[str]) -> None:
    asked = csr(KUBELET_CLIENT, *usages, username=username)
    assert [each.subresource for each in permissions(asked, read(asked))] == expected


def node(*addresses: str) -> Object:
    found = [{"type": "InternalIP", "address": each} for each in addresses]
    return {"metadata": {"name": "n1"}, "status": {"addresses": found}}


@pytest.mark.parametrize(
    ("username", "request_", "seen", "expected"),
    [
        pytest.param("system:node:n1", SERVER, node("192.0.2.7"), True, id="its own name and address"),
        pytest.param("system:node:n1", SERVER, node("192.0.2.8"), False, id="another's address"),
        pytest.param("system:node:n1", SERVER, None, False, id="a node that is not registered"),
        pytest.param("system:node:n2", SERVER, node("192.0.2.7"), False, id="asked for by another"),
        pytest.param(
            "system:node:n1", Request("system:node:n1", NODES, ("kubernetes",)), node("192.0.2.7"),
            False, id="the apiserver's name",
        ),
    ],
)  # fmt: skip
def test_a_node_may_serve_under_its_own_name(
    username: str, request_: Request, seen: Object | None, expected: bool
) -> None:
    asked = csr(KUBELET_SERVING, *SERVING_USAGES, username=username)
    assert serves_itself(asked, request_, seen) is expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, timedelta(days=365)),
        (3600, timedelta(hours=1)),
        (600 * 86400, timedelta(days=365)),
        (1, timedelta(minutes=10)),
    ],
)
def test_lifetimes_are_what_is_asked_for_within_bounds(wanted: int | None, expected: timedelta) -> None:
    assert lifetime(wanted, timedelta(days=365)) == expected


def authority(days: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1)
    return (
        builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=days)).sign(KEY, hashes.SHA256())
    )


def test_the_certificate_has_what_was_asked_for_and_no_more() -> None:
    asked = csr(KUBELET_SERVING, *SERVING_USAGES, names=(x509.DNSName("n1"),))
    made = issue(load(asked), usages_of(asked), authority(3650), KEY, timedelta(days=365), NOW)
    made.verify_directly_issued_by(authority(3650))
    assert made.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert made.not_valid_after_utc == NOW - timedelta(minutes=5) + timedelta(days=365)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, False, False)
    extended = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.SERVER_AUTH]
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n1"]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


@pytest.mark.parametrize(
    ("life", "end"),
    [
        pytest.param(timedelta(hours=1), NOW + timedelta(hours=1), id="a short one ends when asked to"),
        pytest.param(timedelta(days=900), NOW + timedelta(days=30), id="none outlives the authority"),
    ],
)
def test_when_a_certificate_ends(life: timedelta, end: datetime) -> None:
    asked = csr(KUBELET_CLIENT, *CLIENT_USAGES)
    made = issue(load(asked), usages_of(asked), authority(30), KEY, life, NOW)
    assert made.not_valid_after_utc == end


def old(*conditions: str, certificate: bytes = b"") -> Object:
    stamped = [{"type": each, "lastUpdateTime": "2026-01-01T06:00:00Z"} for each in conditions]
    status: Object = {"conditions": stamped}
    if certificate:
        status["certificate"] = base64.b64encode(certificate).decode()
    return {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "status": status}


def certificate() -> bytes:
    asked = csr(KUBELET_CLIENT, *CLIENT_USAGES)
    made = issue(load(asked), frozenset(), authority(30), KEY, timedelta(hours=6, minutes=30), NOW)
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("request_", "hours"),
    [
        pytest.param(old(), 24, id="nobody cares"),
        pytest.param(old("Denied"), 7, id="denied"),
        pytest.param(old("Approved", "Failed"), 7, id="failed"),
        pytest.param(old("Approved"), 30, id="approved, and nobody signs"),
        pytest.param(old("Approved", certificate=b"x"), 7, id="issued"),
        pytest.param(old("Approved", certificate=certificate()), 6.5, id="the certificate ends first"),
    ],
)
def test_when_a_request_is_over(request_: Object, hours: float) -> None:
    assert cleaning.ends_at(request_) == NOW + timedelta(hours=hours)
