"""What a server's TLS is restricted to, seen by a client that shakes hands with it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import pytest

from component_base.certificates import serving_context
from component_base.flags import CommonOptions, parse
from component_base.tls_options import TlsOptions, restrict
from tests.unit.handshakes import agreed_cipher

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
AES_128, AES_256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
RSA_128, RSA_256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"


def shake_hands(server: ssl.SSLContext, newest: ssl.TLSVersion) -> str:
    """The cipher that was agreed on, by a client that knows no newer version. Raises ssl.SSLError."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = newest
    return agreed_cipher(client, server)


@pytest.mark.parametrize(
    ("version", "suites", "newest", "cipher"),
    [
        pytest.param("", (), V12, "AES", id="1.2 goes without saying"),
        pytest.param("VersionTLS12", (AES_256, RSA_256), V12, "AES256-GCM-SHA384", id="one cipher"),
        pytest.param("", (AES_128, RSA_128), V12, "AES128-GCM-SHA256", id="another"),
        pytest.param("", (AES_128, RSA_128), V13, "TLS_AES", id="those of 1.3 are as they are"),
        pytest.param("VersionTLS13", (), V13, "TLS_AES", id="1.3"),
    ],
)
async def test_what_is_agreed_on(
    version: str, suites: tuple[str, ...], newest: ssl.TLSVersion, cipher: str
) -> None:
    server = await serving_context()
    restrict(server, version, suites)
    assert cipher in shake_hands(server, newest)


@pytest.mark.parametrize(
    ("version", "suites"),
    [
        pytest.param("VersionTLS13", (), id="version"),
        pytest.param("", ("TLS_AES_128_GCM_SHA256",), id="only ciphers of 1.3"),
    ],
)
async def test_an_old_client_is_refused(version: str, suites: tuple[str, ...]) -> None:
    server = await serving_context()
    restrict(server, version, suites)
    with pytest.raises(ssl.SSLError):
        shake_hands(server, V12)


@dataclass(frozen=True)
class Options(CommonOptions, TlsOptions):
    pass


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--tls-min-version=1.2", 'unknown tls version "1.2"'),
        ("--tls-cipher-suites=AES", "Cipher suite AES not supported or doesn't exist"),
        (
            "--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA",
            "OpenSSL has none of the cipher suites TLS_RSA_WITH_RC4_128_SHA",
        ),
    ],
)
def test_what_cannot_be_is_said_at_once(flag: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Options, [flag], prog="test")
    assert message in capsys.readouterr().err
