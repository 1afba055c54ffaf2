"""Key pairs in Secrets: what is told of those that are none."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from apimachinery import scheme
from apimachinery.objects import Object
from tests.unit.apiserver.strategies.objects import NOW, make, strategy


def secret(certificate: bytes, key: bytes) -> Object:
    data = {"tls.crt": b64encode(certificate).decode(), "tls.key": b64encode(key).decode()}
    return make(scheme.SECRETS, type="kubernetes.io/tls", data=data)


def pem(title: str) -> bytes:
    return f"-----BEGIN {title}-----\nAAEC\n-----END {title}-----\n".encode()


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            secret(b"a", b"b"), ["tls: failed to find any PEM data in certificate input"], id="no PEM"
        ),
        pytest.param(
            secret(pem("PRIVATE KEY"), b""),
            [
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
                "PEM inputs may have been switched"
            ],
            id="a key in the place of a certificate",
        ),
        pytest.param(
            secret(pem("CERTIFICATE"), b"a"), ["tls: failed to find any PEM data in key input"], id="no key"
        ),
        pytest.param(
            secret(pem("CERTIFICATE"), pem("CERTIFICATE")),
            ["tls: found a certificate rather than a key in the PEM for the private key"],
            id="two certificates",
        ),
    ],
)
def test_key_pairs_that_are_none_are_warned_of(obj: Object, expected: list[str]) -> None:
    assert strategy(scheme.SECRETS).warnings(obj, None) == expected


def certificate_of(key: EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    return builder.sign(key, SHA256())


def in_pem(key: EllipticCurvePrivateKey | RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_key_pairs_must_belong_together() -> None:
    pair, other = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    certificate = certificate_of(pair).public_bytes(Encoding.PEM)
    warnings = strategy(scheme.SECRETS).warnings
    assert warnings(secret(certificate, in_pem(pair)), None) == []
    assert warnings(secret(certificate, in_pem(other)), None) == [
        "tls: private key does not match public key"
    ]


def test_a_certificate_of_an_unknown_version_is_left_alone() -> None:
    key = generate_private_key(SECP256R1())
    der = certificate_of(key).public_bytes(Encoding.DER)
    version = bytes.fromhex("a003020102")
    assert version in der
    odd = b64encode(der.replace(version, version[:-1] + b"\x07", 1))
    title = b"CERTIFICATE-----\n"
    certificate = b"-----BEGIN " + title + odd + b"\n-----END " + title
    assert strategy(scheme.SECRETS).warnings(secret(certificate, in_pem(key)), None) == []


def test_large_keys_are_not_looked_into_for_their_primes() -> None:
    """That takes most of a second, in which nobody else is served."""
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    odd = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d + 2, numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    )
    key = odd.private_key(unsafe_skip_rsa_key_validation=True)
    certificate = certificate_of(generate_private_key(SECP256R1())).public_bytes(Encoding.PEM)
    assert strategy(scheme.SECRETS).warnings(secret(certificate, in_pem(key)), None) == [
        "tls: private key does not match public key"
    ]
