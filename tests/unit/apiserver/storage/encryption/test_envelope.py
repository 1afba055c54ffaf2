"""EncryptedObjects byte for byte, and what is no good about one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apiserver.storage.encryption.ciphers import CipherError
from apiserver.storage.encryption.kms.envelope import (
    Envelope,
    SeedCipher,
    Source,
    SourceType,
    cipher_of,
    problem_of,
)

SEED = bytes(range(32))
SOURCE = Source(SourceType.SEED, b"wrapped", "key", (("a.b", b"1"), ("c.d", b"2")))


def test_an_envelope_is_upstreams_message() -> None:
    """Tag and length of each field by hand: data 1, keyID 2, source 3, annotations 4, type 5."""
    encoded = (
        b"\x0a\x04data" b"\x12\x03key" b"\x1a\x07wrapped"
        b"\x22\x08\x0a\x03a.b\x12\x011" b"\x22\x08\x0a\x03c.d\x12\x012" b"\x28\x01"
    )  # fmt: skip
    assert Envelope(SOURCE, b"data").encode() == encoded
    assert Envelope.decode(encoded) == Envelope(SOURCE, b"data")


def test_a_seed_makes_a_key_of_each_value() -> None:
    """The key of HKDF's expansion with SHA-256, worked out here with HMAC alone."""
    import hmac

    cipher = SeedCipher(SEED)
    sealed = cipher.seal(b"value", b"context")
    info, nonce, rest = sealed[:32], sealed[32:44], sealed[44:]
    key = hmac.digest(SEED, info + b"\x01", "sha256")
    assert AESGCM(key).decrypt(nonce, rest, b"context") == b"value"
    assert cipher.open(sealed, b"context") == b"value"
    assert cipher.seal(b"value", b"context")[:32] != info
    with pytest.raises(CipherError, match="message authentication failed"):
        cipher.open(sealed, b"elsewhere")
    with pytest.raises(CipherError, match="shorter than the required size"):
        cipher.open(sealed[:31], b"context")


def test_keys_of_before_seeds_are_known() -> None:
    source = replace(SOURCE, type=SourceType.KEY)
    nonce = b"n" * 12
    sealed = nonce + AESGCM(SEED).encrypt(nonce, b"value", b"context")
    assert cipher_of(source, SEED).open(sealed, b"context") == b"value"
    with pytest.raises(CipherError, match="invalid key size 3"):
        cipher_of(source, b"abc")
    with pytest.raises(CipherError, match="invalid seed length 3"):
        cipher_of(SOURCE, b"abc")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (SOURCE, ""),
        (replace(SOURCE, encrypted=b""), "encrypted DEK source is empty"),
        (replace(SOURCE, encrypted=b"x" * 1025), "encrypted DEK source is 1025 bytes, which exceeds"),
        (replace(SOURCE, key_id=""), "failed to validate key id: keyID is empty"),
        (replace(SOURCE, key_id="ä" * 513), "keyID is 1026 bytes, which exceeds the max size of 1024"),
        (replace(SOURCE, annotations=(("a", b""),)), "a domain with at least two segments separated by dots"),
        (replace(SOURCE, annotations=(("a_.b", b""),)), "a lowercase RFC 1123 subdomain must consist of"),
        (
            replace(SOURCE, annotations=(("a.b", b"x" * 32768),)),
            "total size of annotations is 32771, which exceeds the max size of 32768",
        ),
    ],
)
def test_a_wrapped_key_is_judged_as_upstream_does(source: Source, problem: str) -> None:
    found = problem_of(source)
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff", "proto: "),
        (Envelope(SOURCE, b"").encode(), "encrypted data is empty"),
        (Envelope(SOURCE, b"x").encode() + b"\x28\x07", "unknown encryptedDEKSourceType: 7"),
        (Envelope(replace(SOURCE, key_id=""), b"x").encode(), "keyID is empty"),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(CipherError, match=problem):
        Envelope.decode(data)
