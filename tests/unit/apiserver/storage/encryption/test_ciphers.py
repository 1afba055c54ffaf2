"""Ciphers: what they write they read, and nothing else; and others' values of the same form."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from apiserver.storage.encryption.ciphers import AesCbc, AesGcm, Cipher, CipherError, Identity, Secretbox

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = b"f" * 32
PLACE = b"/registry/secrets/default/a"
CIPHERS = [AesCbc, AesGcm, Secretbox]


@pytest.mark.parametrize("make", CIPHERS)
@pytest.mark.parametrize("value", [b"", b"x", b"sixteen bytes...", b"y" * 1000], ids=len)
def test_what_is_sealed_can_be_opened(make: type[Cipher], value: bytes) -> None:
    cipher = make(KEY)
    first, second = cipher.seal(value, PLACE), cipher.seal(value, PLACE)
    assert first != second, "each time a fresh nonce"
    assert cipher.open(first, PLACE) == value


@pytest.mark.parametrize("make", CIPHERS)
def test_what_is_short_cannot_be_opened(make: type[Cipher]) -> None:
    with pytest.raises(CipherError, match="shorter than the required size"):
        make(KEY).open(b"short", PLACE)


@pytest.mark.parametrize("make", [AesGcm, Secretbox])
def test_what_is_of_another_key_cannot_be_opened(make: type[Cipher]) -> None:
    with pytest.raises(CipherError):
        make(KEY).open(make(OTHER).seal(b"secret" * 50, PLACE), PLACE)


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (b"no padding here\0", r"invalid PKCS7 data \(empty or not padded\)"),
        (b"more than there\x11", r"invalid PKCS7 data \(empty or not padded\)"),
        (b"two, not alike\x01\x02", "invalid padding on input"),
    ],
)
def test_cbc_knows_another_key_by_its_padding_only(block: bytes, why: str) -> None:
    iv = b"0" * 16
    encryptor = BlockCipher(AES(KEY), CBC(iv)).encryptor()
    with pytest.raises(CipherError, match=f"^{why}$"):
        AesCbc(KEY).open(iv + encryptor.update(block), PLACE)


def test_only_gcm_knows_where_its_values_belong() -> None:
    moved = AesGcm(KEY).seal(b"secret", b"/registry/secrets/default/b")
    with pytest.raises(CipherError, match="message authentication failed"):
        AesGcm(KEY).open(moved, PLACE)
    assert AesCbc(KEY).open(AesCbc(KEY).seal(b"secret", b"elsewhere"), PLACE) == b"secret"


def test_a_value_that_openssl_wrote() -> None:
    written = bytes.fromhex("4369f252d11fc8b9354b69708387bd81")
    assert AesCbc(KEY).open(b"fedcba9876543210" + written, PLACE) == b"hello"


def test_the_test_case_of_the_specification_of_gcm() -> None:
    """Test case 16 of McGrew and Viega, which has additional authenticated data."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    written = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    place = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    assert AesGcm(key).open(nonce + written, place).hex().startswith("d9313225f88406e5a55909c5aff5269a")


def test_identity_does_not_take_encrypted_values_for_plain() -> None:
    assert Identity().open(b"{}", PLACE) == b"{}"
    with pytest.raises(CipherError, match="identity transformer tried to read encrypted data"):
        Identity().open(b"k8s:enc:aescbc:v1:a:" + b64encode(KEY), PLACE)
