"""What encrypts one value with one key, byte for byte as upstream does: either reads the other's store.

Source: pkg/storage/value/encrypt of kubernetes/apiserver 0.34. `context` is the key in etcd: aesgcm refuses a
value that was moved to another one.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

_BLOCK = 16
_GCM_NONCE = 12
_SECRETBOX_NONCE, _SECRETBOX_OVERHEAD = 24, 16
ENCRYPTED = b"k8s:enc:"
"""What no plain value begins with."""
_TOO_SHORT = "the stored data was shorter than the required size"


class CipherError(Exception):
    """A value that cannot be read: another key's, damaged, moved, or not encrypted at all."""


class KeyNeeded(Exception):
    """A key that is not at hand: `fetch` gets it, or raises CipherError, KeyAway; then try again."""

    def __init__(self, fetch: Callable[[], Awaitable[None]]) -> None:
        super().__init__("the key is not at hand")
        self.fetch = fetch


class KeyAway(Exception):
    """Who has the key does not answer just now."""


class Cipher(Protocol):
    def seal(self, value: bytes, context: bytes) -> bytes:
        """Raises CipherError; KeyNeeded if the key is somebody else's."""

    def open(self, data: bytes, context: bytes) -> bytes:
        """Raises CipherError; KeyNeeded if the key is somebody else's."""


class Identity:
    """Leaves values as they are, and does not take encrypted ones for plain."""

    def seal(self, value: bytes, context: bytes) -> bytes:
        return value

    def open(self, data: bytes, context: bytes) -> bytes:
        if data.startswith(ENCRYPTED):
            raise CipherError("identity transformer tried to read encrypted data")
        return data


class AesCbc:
    """A random IV, then the value padded as PKCS#7 has it. The context does not matter."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)

    def seal(self, value: bytes, context: bytes) -> bytes:
        iv, padder = os.urandom(_BLOCK), PKCS7(_BLOCK * 8).padder()
        encryptor = BlockCipher(self._algorithm, CBC(iv)).encryptor()
        return iv + encryptor.update(padder.update(value) + padder.finalize()) + encryptor.finalize()

    def open(self, data: bytes, context: bytes) -> bytes:
        if len(data) < _BLOCK:
            raise CipherError(_TOO_SHORT)
        if len(data) % _BLOCK:
            raise CipherError("the stored data is not a multiple of the block size")
        decryptor = BlockCipher(self._algorithm, CBC(data[:_BLOCK])).decryptor()
        unpadder = PKCS7(_BLOCK * 8).unpadder()
        padded = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        try:
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError:
            raise CipherError(_wrong_padding(padded)) from None


def _wrong_padding(padded: bytes) -> str:
    is_size = 0 < padded[-1] <= len(padded) if padded else False
    return "invalid padding on input" if is_size else "invalid PKCS7 data (empty or not padded)"


class AesGcm:
    """A random nonce, then value and tag, bound to the context."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, value: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_GCM_NONCE)
        return nonce + self._aead.encrypt(nonce, value, context)

    def open(self, data: bytes, context: bytes) -> bytes:
        if len(data) < _GCM_NONCE:
            raise CipherError(_TOO_SHORT)
        try:
            return self._aead.decrypt(data[:_GCM_NONCE], data[_GCM_NONCE:], context)
        except InvalidTag:
            raise CipherError("cipher: message authentication failed") from None


class Secretbox:
    """XSalsa20 and Poly1305 of NaCl: a random nonce, then the box. The context does not matter."""

    def __init__(self, key: bytes) -> None:
        from nacl.secret import SecretBox

        self._box = SecretBox(key)

    def seal(self, value: bytes, context: bytes) -> bytes:
        return bytes(self._box.encrypt(value))

    def open(self, data: bytes, context: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        if len(data) < _SECRETBOX_NONCE + _SECRETBOX_OVERHEAD:
            raise CipherError(_TOO_SHORT)
        try:
            return bytes(self._box.decrypt(data))
        except CryptoError:
            raise CipherError("output array was not large enough for encryption") from None
