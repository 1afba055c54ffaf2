"""Whether a certificate and a key in PEM belong together, told as Go's tls.X509KeyPair does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import InvalidVersion, load_pem_x509_certificate

_TITLE = re.compile(rb"^-----BEGIN ([^-\n]+)-----", re.MULTILINE)


def key_pair_warnings(certificate: bytes, key: bytes) -> Iterator[str]:
    """The first thing that is wrong, if anything is."""
    blocks, keys = _titles(certificate), _titles(key)
    if "CERTIFICATE" not in blocks:
        yield _without_certificate(blocks)
    elif not any(map(_is_key, keys)):
        yield _without_key(keys)
    elif not _belong_together(certificate, key):
        yield "tls: private key does not match public key"


def _titles(pem: bytes) -> list[str]:
    return [title.decode(errors="replace") for title in _TITLE.findall(pem)]


def _is_key(title: str) -> bool:
    return title == "PRIVATE KEY" or title.endswith(" PRIVATE KEY")


def _without_certificate(blocks: list[str]) -> str:
    if not blocks:
        return "tls: failed to find any PEM data in certificate input"
    if len(blocks) == 1 and blocks[0].endswith("PRIVATE KEY"):
        return (
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
            "PEM inputs may have been switched"
        )
    return (
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the '
        f"following types: [{' '.join(blocks)}]"
    )


def _without_key(blocks: list[str]) -> str:
    if not blocks:
        return "tls: failed to find any PEM data in key input"
    if blocks == ["CERTIFICATE"]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return (
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM '
        f"blocks of the following types: [{' '.join(blocks)}]"
    )


def _belong_together(certificate: bytes, key: bytes) -> bool:
    """What cannot be read is left to whoever uses it.

    The key is not used but for its public half: whether its numbers are prime would take seconds to say.
    """
    try:
        public = load_pem_x509_certificate(certificate).public_key()
        own = load_pem_private_key(key, password=None, unsafe_skip_rsa_key_validation=True).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidVersion):
        return True
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.public_bytes(*form) == own.public_bytes(*form)
