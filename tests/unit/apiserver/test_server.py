"""The server's TLS."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.handshakes import ServerEnd
from apiserver.server import HttpServer
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


async def nothing(_: Scope, __: Receive, ___: Send) -> None:
    """No request is made."""


async def test_whoever_shakes_hands_as_the_server_ends_is_hung_up_on(server: ssl.SSLContext) -> None:
    http = HttpServer(nothing)
    reader, writer = await asyncio.open_connection("127.0.0.1", await http.start("127.0.0.1", 0, server))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end = context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    writer.write(outgoing.read())
    incoming.write(await reader.read(1 << 16))
    end.do_handshake()
    await http.aclose()
    writer.write(outgoing.read())
    async with asyncio.timeout(10):
        incoming.write(await reader.read(1 << 16))
        assert end.read() == b""
        writer.close()
        await writer.wait_closed()
