"""The server's TLS."""

from __future__ import annotations

import ssl

import pytest

from apiserver.handshakes import ServerEnd
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.fakes.tls import tls_context
from tests.unit.handshakes import agreed_cipher, shake_hands

QUICK, STRONG = "AES128", "AES256"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    config = ClusterConfig(state_dir=tmp_path_factory.mktemp("cluster"), node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    return tls_context(config.pki / "apiserver.crt", config.pki / "apiserver.key", [config.pki / "ca.crt"])


def chosen(server: ssl.SSLContext, *ciphers: str) -> str:
    """The cipher that a client ends up with that wants one of these, the first most."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # those of 1.3 have no order that can be set here
    context.set_ciphers(":".join(f"ECDHE+AESGCM+{each}" for each in ciphers))
    return agreed_cipher(context, server)


@pytest.mark.parametrize("ciphers", [(QUICK, STRONG), (STRONG, QUICK)])
def test_the_client_says_which_cipher_it_likes_best(server: ssl.SSLContext, ciphers: tuple[str, str]) -> None:
    assert ciphers[0] in chosen(server, *ciphers)


def test_handshakes_that_come_to_nothing_are_counted(server: ssl.SSLContext) -> None:
    before = ServerEnd.failures
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(ssl.create_default_context(), server, "localhost")
    server.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)  # nobody says a word
    chosen(server, QUICK)
    assert ServerEnd.failures == before + 2
