"""Certificates of a server by the names that clients ask for, seen by clients that shake hands with it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from component_base.certificates import CertificateError, load_pair, serving_context
from component_base.delegating_options import DelegatingOptions, certificates_of
from component_base.flags import CommonOptions, parse
from tests.unit.issuing import Issued, issue

LIMIT = 60.0


@dataclass(frozen=True)
class Options(CommonOptions, DelegatingOptions):
    pass


@pytest.fixture(scope="module")
def issued() -> dict[str, Issued]:
    return {name: issue(name, is_ca=False, dns=f"{name}.test") for name in ("ordinary", "one", "two", "new")}


@pytest.fixture
def files(tmp_path: Path, issued: dict[str, Issued]) -> Path:
    for name, each in issued.items():
        each.write(tmp_path / name)
    return tmp_path


def options(*flags: str) -> Options:
    return parse(Options, flags, prog="test")


@pytest.mark.parametrize("flag", ["--tls-cert-file", "--tls-private-key-file"])
async def test_one_file_without_the_other_is_refused(flag: str) -> None:
    given = options(f"{flag}=/x")
    with pytest.raises(CertificateError, match=r"^missing filename for serving cert$"):
        await certificates_of(given, "test")
    with pytest.raises(CertificateError, match=r"^missing filename for serving cert$"):
        await serving_context(given.tls_cert_file, given.tls_private_key_file)


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[int]:
    """A port where who comes is answered with the name on the certificate shown."""
    certificates = await certificates_of(options, "test")

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("ssl_object").getpeercert() or {}
        writer.write(str(peer.get("subject")).encode())
        writer.close()

    server = await asyncio.start_server(tell, "127.0.0.1", 0, ssl=certificates.context)
    keeping = asyncio.create_task(certificates.run())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        server.close()


async def shown(port: int, host: str | None, client: ssl.SSLContext | None = None) -> tuple[bytes, str]:
    """The certificate shown to who asks for this host, and whom the server takes the client for."""
    if client is None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client, server_hostname="" if host is None else host
    )
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    said = (await reader.read()).decode()
    writer.close()
    return der, said


async def test_each_is_shown_the_certificate_of_the_name_asked_for(
    files: Path, issued: dict[str, Issued]
) -> None:
    flags = (
        f"--tls-cert-file={files}/ordinary.crt",
        f"--tls-private-key-file={files}/ordinary.key",
        f"--tls-sni-cert-key={files}/one.crt,{files}/one.key",
        f"--tls-sni-cert-key={files}/two.crt,{files}/two.key:*.two.example,two.example",
    )
    async with serving(options(*flags)) as port:
        asked = ("one.test", "x.two.example", "two.example", "two.test", "else.test", None)
        found = [(await shown(port, host))[0] for host in asked]
    expected = ("one", "two", "two", "two", "ordinary", "ordinary")
    assert found == [issued[name].der for name in expected]


async def test_who_names_nobody_is_shown_the_one_of_the_address(
    files: Path, issued: dict[str, Issued]
) -> None:
    sni = f"--tls-sni-cert-key={files}/one.crt,{files}/one.key:127.0.0.1"
    async with serving(options("--bind-address=127.0.0.1", sni)) as port:
        assert (await shown(port, None))[0] == issued["one"].der


async def test_clients_of_named_ones_are_known_by_their_certificates(files: Path) -> None:
    authority = issue("authority")
    authority.write(files / "ca")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_pair(client, issue("jane", authority, is_ca=False).pair)
    flags = (f"--client-ca-file={files}/ca.crt", f"--tls-sni-cert-key={files}/one.crt,{files}/one.key")
    async with serving(options(*flags)) as port:
        assert "jane" in (await shown(port, "one.test", client))[1]


async def test_a_named_pair_that_changes_is_loaded_again_with_its_names(
    files: Path, issued: dict[str, Issued]
) -> None:
    flags = (
        f"--tls-cert-file={files}/ordinary.crt",
        f"--tls-private-key-file={files}/ordinary.key",
        f"--tls-sni-cert-key={files}/one.crt,{files}/one.key",
    )
    async with serving(options(*flags)) as port:
        issued["new"].write(files / "one")
        async with asyncio.timeout(LIMIT):
            while (await shown(port, "new.test"))[0] != issued["new"].der:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await shown(port, "one.test"))[0] == issued["ordinary"].der


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ("--tls-sni-cert-key={0}/none.crt,{0}/one.key", "failed to load SNI cert and key: .*No such file"),
        ("--tls-sni-cert-key={0}/one.crt,{0}/two.key", "failed to load SNI cert and key: .*MISMATCH"),
        (
            "--tls-cert-file={0}/one.key --tls-private-key-file={0}/one.key",
            "failed to load serving cert and key: ",
        ),
    ],
)
async def test_what_cannot_be_loaded_is_said_at_once(files: Path, flags: str, complaint: str) -> None:
    with pytest.raises(CertificateError, match=complaint):
        await certificates_of(options(*flags.format(files).split()), "test")
