"""Keys, requests and certificates by the cryptography library, in a process of its own.

The library would cost each daemon 15 MiB for a moment's work; so `certificates` runs this module for it:
`python -m component_base.x509_tool COMMAND` with the arguments as JSON on standard input.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALID_DAYS = 365


def self_signed(host: str) -> bytes:
    """Key and certificate in PEM, valid for a year, for `host` and the loopback address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=_VALID_DAYS))
        .add_extension(_alternative_names([host, "localhost"], ["127.0.0.1"]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def key() -> bytes:
    """A new private key in PEM."""
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def request(
    key: str, common_name: str, organizations: Sequence[str], dns: Sequence[str], addresses: Sequence[str]
) -> bytes:
    """As JSON: a PKCS#10 request in PEM, made with a key in PEM, and the digest of the public key."""
    private: Any = serialization.load_pem_private_key(key.encode(), None)
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    subject.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    builder = x509.CertificateSigningRequestBuilder(x509.Name(subject))
    if dns or addresses:
        builder = builder.add_extension(_alternative_names(dns, addresses), critical=False)
    pem = builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return json.dumps({"pem": pem.decode(), "key_digest": sha256(public).hexdigest()}).encode()


def inspect(certificate: str) -> bytes:
    """What a certificate in PEM says, as JSON: Unix times and names."""
    found = x509.load_pem_x509_certificate(certificate.encode())
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    common_names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    said = {
        "begin": found.not_valid_before_utc.timestamp(),
        "end": found.not_valid_after_utc.timestamp(),
        "common_name": common_names[-1].value if common_names else "",
        "dns": names.get_values_for_type(x509.DNSName),
        "addresses": [str(each) for each in names.get_values_for_type(x509.IPAddress)],
    }
    return json.dumps(said).encode()


def _alternative_names(dns: Sequence[str], addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    found: list[x509.GeneralName] = [x509.DNSName(each) for each in dns]
    return x509.SubjectAlternativeName([*found, *(x509.IPAddress(ip_address(each)) for each in addresses)])


def _key_pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


COMMANDS: dict[str, Callable[..., bytes]] = {
    "self-signed": self_signed,
    "key": key,
    "request": request,
    "inspect": inspect,
}

if __name__ == "__main__":
    sys.stdout.buffer.write(COMMANDS[sys.argv[1]](**json.load(sys.stdin)))
