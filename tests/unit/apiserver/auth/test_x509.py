"""Connections with client certificates, over the real TLS, in memory."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from apiserver.auth.x509 import ClientCertificates
from apiserver.server import tls_context
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = ClusterConfig(state_dir=tmp_path_factory.mktemp("x509"), node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    return config.pki


def connect(pki: Path, server: ssl.SSLContext, client: str = "") -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The two ends, server first, of a connection whose handshake is done."""
    context = ssl.create_default_context(cafile=pki / "ca.crt")
    if client:
        context.load_cert_chain(pki / f"{client}.crt", pki / f"{client}.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = context.wrap_bio(to_client, to_server, server_hostname="localhost")
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (theirs, ours, theirs, ours):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
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
