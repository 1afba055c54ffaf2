"""Connections with client certificates, over the real TLS, in memory."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apiserver.auth.x509 import ClientCertificates
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.fakes.tls import tls_context
from tests.unit.handshakes import shake_hands

UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = ClusterConfig(state_dir=tmp_path_factory.mktemp("x509"), node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    return config.pki


def connect(pki: Path, server: ssl.SSLContext, client: str = "") -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The server's end and the client's of a connection over which something has been sent."""
    context = ssl.create_default_context(cafile=pki / "ca.crt")
    if client:
        context.load_cert_chain(pki / f"{client}.crt", pki / f"{client}.key")
    theirs, ours = shake_hands(context, server, "localhost")
    ours.write(b"x")
    assert theirs.read(1) == b"x"
    return ours, theirs


def test_each_connection_is_of_the_client_whose_certificate_it_has(pki: Path) -> None:
    certificates = ClientCertificates(pki / "ca.crt", pki / "front-proxy-ca.crt")
    server = tls_context(pki / "apiserver.crt", pki / "apiserver.key", certificates.authorities)
    found = [
        (client and client.user and client.user.name, client and client.is_proxy)
        for who in ("admin", "scheduler", "", "front-proxy-client", "admin", "front-proxy-client")
        for client in [certificates.client_of(connect(pki, server, who)[0])]
    ]
    admin, proxy = ("kubernetes-admin", False), (None, True)
    assert found == [admin, ("system:kube-scheduler", False), (None, None), proxy, admin, proxy]


def test_no_connection_is_told_how_to_resume_it(pki: Path) -> None:
    server = tls_context(pki / "apiserver.crt", pki / "apiserver.key", [pki / "ca.crt"])
    session = connect(pki, server, "admin")[1].session
    assert session is not None
    assert not session.has_ticket


@pytest.mark.parametrize(
    ("uids", "expected"),
    [([], ("jane", "")), (["u-1"], ("jane", "u-1")), (["u-1", "u-2"], None), ([""], None)],
)
def test_a_certificate_may_say_the_uid_of_its_user_once(
    pki: Path, tmp_path: Path, uids: list[str], expected: tuple[str, str] | None
) -> None:
    (tmp_path / "ca.crt").write_bytes((pki / "ca.crt").read_bytes())
    write_client(pki, tmp_path / "jane", [(NameOID.COMMON_NAME, "jane"), *((UID, each) for each in uids)])
    certificates = ClientCertificates(pki / "ca.crt")
    server = tls_context(pki / "apiserver.crt", pki / "apiserver.key", certificates.authorities)
    client = certificates.client_of(connect(tmp_path, server, "jane")[0])
    assert client is not None
    assert (client.user and (client.user.name, client.user.uid)) == expected


def write_client(pki: Path, path: Path, subject: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    """A certificate and its key, as `path`.crt and .key, signed by the cluster's authority."""
    authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(oid, value, _validate=value != "") for oid, value in subject]
    certificate = (
        x509.CertificateBuilder(issuer_name=authority.subject, subject_name=x509.Name(names))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .sign(signer, hashes.SHA256())
    )
    path.with_suffix(".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.with_suffix(".key").write_bytes(pem)
