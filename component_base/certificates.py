"""Daemons' certificates: loaded from files or memory, made, asked for, looked at.

The cryptography is done by `x509_tool`, in a process that lives as long as it takes.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from component_base.explained import ExplainedError
from component_base.os_errors import in_words
from component_base.processes import run

_TOOL = "component_base.x509_tool"


async def serving_context(
    cert_file: str = "", key_file: str = "", *, host: str = "localhost", client_ca_file: str = ""
) -> ssl.SSLContext:
    """The TLS context of a daemon's own server: from files, or self-signed as upstream's are.

    Client certificates are verified if they come, and not demanded: there are tokens, too.
    Raises CertificateError.
    """
    context = bare_serving_context(client_ca_file)
    if has_pair(cert_file, key_file):
        try:
            context.load_cert_chain(cert_file, key_file)
        except OSError as error:
            raise CertificateError(f"failed to load serving cert and key: {error}") from None
        return context
    await load_self_signed(context, host)
    return context


def has_pair(cert_file: str, key_file: str) -> bool:
    """Whether files are named. Raises CertificateError where only one of them is."""
    if bool(cert_file) != bool(key_file):
        raise CertificateError("missing filename for serving cert")
    return bool(cert_file)


def bare_serving_context(client_ca_file: str = "") -> ssl.SSLContext:
    """Without a certificate of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_ca_file:
        trust(context, client_ca_file)
    return context


async def load_self_signed(context: ssl.SSLContext, host: str = "localhost") -> None:
    load_pair(context, await _tool("self-signed", host=host))


def client_context(*, ca: str = "", ca_file: str = "") -> ssl.SSLContext:
    """The TLS context of a client that trusts these certificates in PEM, those of the machine if none.

    Raises ssl.SSLError or ValueError for what is no certificate.
    """
    context = ssl.create_default_context(cafile=ca_file or None, cadata=ca or None)
    _verify_as_go_does(context)
    return context


def trust(context: ssl.SSLContext, authorities: str | Path) -> None:
    """A server's clients may show a certificate, and then one of these in a file vouches for it.

    Raises CertificateError.
    """
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else in_words(error)
        raise CertificateError(f"unable to load client CA provider: {authorities}: {reason}") from error
    context.verify_mode = ssl.CERT_OPTIONAL
    _verify_as_go_does(context)


def _verify_as_go_does(context: ssl.SSLContext) -> None:
    """Whichever certificate is trusted is enough, be it an intermediate one or the peer's own.

    controller-runtime's envtest has API servers trust just the certificate that its webhooks serve with.
    And as before Python 3.13 none is refused for the letter of RFC 5280.
    """
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT


def load_pair(context: ssl.SSLContext, pem: bytes, password: str | None = None) -> None:
    """Loads key and certificate from memory: the ssl module only reads files, so from one without a name.

    In place of those before: connections made from then on have them.
    """
    descriptor = os.memfd_create("pair")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=password)
    finally:
        os.close(descriptor)


async def pair_in(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key in a folder: self-signed, if both are missing.

    Raises CertificateError where one of them is, unless whoever wrote them was broken off.
    """
    pair = certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    unfinished = folder / f"{name}.pem.part"
    if unfinished.exists():
        _write_pair(unfinished, certificate, key)
    missing = [each for each in pair if not each.exists()]
    if len(missing) == 1:
        raise CertificateError(f"error reading {missing[0]}, certificate and key must be supplied as a pair")
    if missing:
        _begin_pair(await _tool("self-signed", host="localhost"), unfinished)
        _write_pair(unfinished, certificate, key)
    return pair


def _begin_pair(pem: bytes, unfinished: Path) -> None:
    """The file is there only with all that is in it."""
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    begun = unfinished.with_suffix(".new")
    begun.touch(mode=0o600)
    begun.write_bytes(pem)
    begun.replace(unfinished)


def _write_pair(both: Path, certificate: Path, key: Path) -> None:
    """From a file that goes when all is written: until then this can be done again."""
    pem = both.read_bytes()
    begin = pem.index(b"-----BEGIN CERTIFICATE-----")
    key.touch(mode=0o600)
    key.write_bytes(pem[:begin])
    certificate.write_bytes(pem[begin:])
    both.unlink()


async def new_key() -> str:
    """A private key in PEM."""
    return (await _tool("key")).decode()


async def new_request(
    key: str,
    common_name: str,
    organizations: Sequence[str],
    dns: Sequence[str] = (),
    addresses: Sequence[str] = (),
) -> tuple[str, str]:
    """A PKCS#10 request in PEM, and the digest of its public key, by which it can be known again."""
    made = orjson.loads(
        await _tool(
            "request",
            key=key,
            common_name=common_name,
            organizations=list(organizations),
            dns=list(dns),
            addresses=list(addresses),
        )
    )
    return made["pem"], made["key_digest"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is to know of a certificate to decide whether it will do."""

    begin: datetime
    end: datetime
    dns: frozenset[str]
    addresses: frozenset[str]
    common_name: str = ""


async def inspect(pem: str) -> Certificate:
    """Raises CertificateError."""
    said = orjson.loads(await _tool("inspect", certificate=pem))
    begin, end = (datetime.fromtimestamp(said[each], UTC) for each in ("begin", "end"))
    return Certificate(begin, end, frozenset(said["dns"]), frozenset(said["addresses"]), said["common_name"])


class CertificateError(ExplainedError):
    """What should be a key, a request or a certificate is none."""


async def _tool(command: str, **arguments: Any) -> bytes:
    finished = await run(sys.executable, "-P", "-m", _TOOL, command, told=orjson.dumps(arguments))
    if finished.code != 0:
        raise CertificateError(f"{command}: {finished.last_line}")
    return finished.output
