"""The form of values in etcd: an EncryptedObject says how its key was wrapped, and holds what that sealed.

Source: pkg/storage/value/encrypt/envelope/kmsv2/envelope.go and encrypt/aes/aes_extended_nonce.go of
kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from google.protobuf.message import DecodeError

from apimachinery.field import Path, invalid
from apimachinery.names import is_dns1123_subdomain
from apiserver.storage.encryption.ciphers import AesGcm, Cipher, CipherError
from apiserver.storage.encryption.kms.messages import load

SEED_SIZE = 32
_INFO_SIZE = _KEY_SIZE = 32
_MAX_KEY_ID = _MAX_SOURCE = 1024
_MAX_ANNOTATIONS = 32 * 1024


class SourceType(IntEnum):
    """What the plugin wrapped: the key itself, as upstream did until 1.28, or a seed of many keys."""

    KEY = 0
    SEED = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A wrapped key or seed, and what its plugin has to be told to unwrap it."""

    type: SourceType
    encrypted: bytes
    key_id: str
    annotations: tuple[tuple[str, bytes], ...] = ()
    """In the order of their names."""


@dataclass(frozen=True, slots=True)
class Envelope:
    source: Source
    data: bytes

    def encode(self) -> bytes:
        message = load().EncryptedObject(
            data=self.data,
            key_id=self.source.key_id,
            source=self.source.encrypted,
            annotations=dict(self.source.annotations),
            source_type=self.source.type,
        )
        encoded: bytes = message.SerializeToString(deterministic=True)
        return encoded

    @staticmethod
    def decode(data: bytes) -> Envelope:
        """Raises CipherError."""
        try:
            message = load().EncryptedObject.FromString(data)
        except DecodeError as error:
            raise CipherError(f"proto: {error}") from None
        if message.source_type not in (SourceType.KEY, SourceType.SEED):
            raise CipherError(f"unknown encryptedDEKSourceType: {message.source_type}")
        if not message.data:
            raise CipherError("encrypted data is empty")
        annotations = tuple(sorted(message.annotations.items()))
        source = Source(SourceType(message.source_type), message.source, message.key_id, annotations)
        if problem := problem_of(source):
            raise CipherError(problem)
        return Envelope(source, message.data)


def problem_of(source: Source) -> str:
    """What is wrong with a wrapped key; nothing if it is right."""
    if not source.encrypted:
        return "failed to validate encrypted DEK source: encrypted DEK source is empty"
    if (size := len(source.encrypted)) > _MAX_SOURCE:
        text = f"encrypted DEK source is {size} bytes, which exceeds the max size of {_MAX_SOURCE}"
        return f"failed to validate encrypted DEK source: {text}"
    if problem := problem_of_key_id(source.key_id):
        return f"failed to validate key id: {problem}"
    if problem := _problem_of_annotations(source.annotations):
        return f"failed to validate annotations: {problem}"
    return ""


def problem_of_key_id(key_id: str) -> str:
    if not key_id:
        return "keyID is empty"
    size = len(key_id.encode())
    return f"keyID is {size} bytes, which exceeds the max size of {_MAX_KEY_ID}" if size > _MAX_KEY_ID else ""


def _problem_of_annotations(annotations: tuple[tuple[str, bytes], ...]) -> str:
    for name, _ in annotations:
        wrong = is_dns1123_subdomain(name.removesuffix("."))
        if not wrong and "." not in name.removesuffix("."):
            wrong = ["should be a domain with at least two segments separated by dots"]
        if wrong:
            return str(invalid(Path("annotations"), name, wrong[0]))
    size = sum(len(name.encode()) + len(value) for name, value in annotations)
    if size > _MAX_ANNOTATIONS:
        return f"total size of annotations is {size}, which exceeds the max size of {_MAX_ANNOTATIONS}"
    return ""


class SeedCipher:
    """Every value has a key of its own: HKDF's expansion of the seed with 32 random bytes before it."""

    def __init__(self, seed: bytes) -> None:
        """Raises CipherError."""
        if len(seed) < SEED_SIZE:
            raise CipherError(f"invalid seed length {len(seed)} used for key generation")
        self._seed = seed

    def seal(self, value: bytes, context: bytes) -> bytes:
        info = os.urandom(_INFO_SIZE)
        return info + self._derived(info).seal(value, context)

    def open(self, data: bytes, context: bytes) -> bytes:
        if len(data) < _INFO_SIZE:
            raise CipherError("the stored data was shorter than the required size")
        return self._derived(data[:_INFO_SIZE]).open(data[_INFO_SIZE:], context)

    def _derived(self, info: bytes) -> AesGcm:
        return AesGcm(HKDFExpand(SHA256(), _KEY_SIZE, info).derive(self._seed))


def cipher_of(source: Source, plaintext: bytes) -> Cipher:
    """What the unwrapped key or seed opens. Raises CipherError."""
    if source.type is SourceType.SEED:
        return SeedCipher(plaintext)
    if len(plaintext) not in (16, 24, 32):
        raise CipherError(f"crypto/aes: invalid key size {len(plaintext)}")
    return AesGcm(plaintext)
