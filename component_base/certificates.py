"""Serving certificates of daemons: from files, or self-signed as upstream's daemons make them.

The cryptography library would cost each daemon 15 MiB for one certificate, so a short-lived child
process makes it.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import ssl
import sys

_VALID_DAYS = 365


async def serving_context(
    cert_file: str = "", key_file: str = "", *, host: str = "localhost", client_ca_file: str = ""
) -> ssl.SSLContext:
    """The TLS context of a daemon's own server.

    Client certificates are verified if they come, and not demanded: there are tokens, too.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_ca_file:
        context.load_verify_locations(client_ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
    if cert_file and key_file:
        context.load_cert_chain(cert_file, key_file)
        return context
    load_pair(context, await _self_signed_in_child(host))
    return context


def load_pair(context: ssl.SSLContext, pem: bytes, password: str | None = None) -> None:
    """Loads key and certificate from memory: the ssl module only reads files, so from one without a name."""
    descriptor = os.memfd_create("pair")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=password)
    finally:
        os.close(descriptor)


async def _self_signed_in_child(host: str) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, host, stdout=asyncio.subprocess.PIPE
    )
    pem, _ = await child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"making a self-signed certificate failed with exit code {child.returncode}")
    return pem


def self_signed(host: str) -> bytes:
    """Key and certificate in PEM, valid for a year, for `host` and the loopback address."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    names = [x509.DNSName(host), x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    sys.stdout.buffer.write(self_signed(sys.argv[1]))
