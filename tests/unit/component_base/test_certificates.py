"""Whom TLS trusts, and with what: a handshake in memory for each row."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from component_base.certificates import CertificateError, client_context, load_pair, pair_in, trust
from tests.unit.handshakes import shake_hands
from tests.unit.issuing import HOST, issue

ROOT = issue("root")
MIDDLE = issue("middle", ROOT)
PEER = issue("peer", MIDDLE, is_ca=False)
CHAIN = PEER.pair + MIDDLE.pem.encode()
ENOUGH = pytest.mark.parametrize(
    "trusted",
    [
        pytest.param(ROOT.pem, id="the root"),
        pytest.param(MIDDLE.pem, id="whoever issued it"),
        pytest.param(PEER.pem, id="itself"),
        pytest.param(issue("other").pem + PEER.pem, id="one of several"),
    ],
)


def showing(pair: bytes, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    load_pair(context, pair)
    return context


@ENOUGH
def test_a_server_is_trusted_for_any_certificate_of_its_chain(trusted: str) -> None:
    shake_hands(client_context(ca=trusted), showing(CHAIN, ssl.PROTOCOL_TLS_SERVER), HOST)


@ENOUGH
def test_so_is_a_client(trusted: str, tmp_path: Path) -> None:
    authorities = tmp_path / "ca.crt"
    authorities.write_text(trusted)
    server = showing(CHAIN, ssl.PROTOCOL_TLS_SERVER)
    trust(server, authorities)
    client = showing(CHAIN, ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    shake_hands(client, server)


@pytest.mark.parametrize("trusted", [issue("middle").pem, issue("peer", is_ca=False).pem])
def test_who_only_has_the_same_name_is_not_trusted(trusted: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client_context(ca=trusted), showing(CHAIN, ssl.PROTOCOL_TLS_SERVER), HOST)


async def test_a_pair_is_made_once(tmp_path: Path) -> None:
    certificate, key = await pair_in(tmp_path / "new", "apiserver")
    assert (certificate.name, key.name, key.stat().st_mode & 0o777) == (
        "apiserver.crt",
        "apiserver.key",
        0o600,
    )
    made = certificate.read_text()
    server = showing(key.read_bytes() + made.encode(), ssl.PROTOCOL_TLS_SERVER)
    shake_hands(client_context(ca=made), server, "localhost")
    await pair_in(tmp_path / "new", "apiserver")
    assert certificate.read_text() == made


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("written", [(), ("apiserver.key",), ("apiserver.key", "apiserver.crt")])
async def test_a_pair_that_was_begun_is_finished(tmp_path: Path, written: tuple[str, ...]) -> None:
    (tmp_path / "apiserver.pem.part").write_bytes(PEER.pair)
    for name in written:
        (tmp_path / name).touch()
    certificate, key = await pair_in(tmp_path, "apiserver")
    assert key.read_bytes() + certificate.read_bytes() == PEER.pair
    assert names_in(tmp_path) == ["apiserver.crt", "apiserver.key"]


async def test_half_a_pair_is_none(tmp_path: Path) -> None:
    (tmp_path / "apiserver.crt").write_text(PEER.pem)
    with pytest.raises(
        CertificateError, match=r"apiserver.key, certificate and key must be supplied as a pair"
    ):
        await pair_in(tmp_path, "apiserver")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("text.crt", "no certificate in it"),
        ("empty.crt", "no certificate in it"),
        ("missing.crt", "no such file or directory"),
        ("", "is a directory"),
    ],
)
def test_what_vouches_for_nobody_is_told_by_its_name(tmp_path: Path, file: str, reason: str) -> None:
    (tmp_path / "text.crt").write_text("hello")
    (tmp_path / "empty.crt").touch()
    with pytest.raises(CertificateError) as caught:
        trust(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tmp_path / file)
    assert str(caught.value) == f"unable to load client CA provider: {tmp_path / file}: {reason}"
