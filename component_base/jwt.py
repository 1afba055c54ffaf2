"""JSON Web Tokens in the algorithms of ServiceAccount keys, RS256 and ES256, and public keys as JWKS."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_ES256_BYTES = 32


class InvalidToken(Exception):
    """Not a token, or not signed by any of our keys."""


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, true or not; nothing if it is no token."""
    parts = token.split(".")
    try:
        claims = orjson.loads(_decode(parts[1])) if len(parts) == 3 else {}
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


class Verifier:
    """The public keys that tokens may be signed with, by key id."""

    def __init__(self, keys: list[PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token with a good signature. Time and audience are the caller's to check."""
        try:
            head, body, signature = token.split(".")
            header = orjson.loads(_decode(head))
            claims = orjson.loads(_decode(body))
            raw = _decode(signature)
        except ValueError:
            raise InvalidToken("not a JSON Web Token") from None
        named = self._keys.get(header.get("kid", ""))
        keys = [named] if named else list(self._keys.values())
        if not any(_is_signed(key, f"{head}.{body}".encode(), raw, header.get("alg")) for key in keys):
            raise InvalidToken("invalid signature")
        if not isinstance(claims, dict):
            raise InvalidToken("claims are no object")
        return claims

    def jwks(self) -> dict[str, Any]:
        """The keys as /openid/v1/jwks publishes them."""
        return {"keys": [_jwk(name, key) for name, key in self._keys.items()]}

    def algorithms(self) -> list[str]:
        return sorted({"RS256" if _is_rsa(key) else "ES256" for key in self._keys.values()})


class Signer:
    """Makes tokens with one private key."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self._is_rsa = _is_rsa(key)
        header = {"alg": self.algorithm, "kid": key_id(key.public_key())}
        self._head = _encode(orjson.dumps(header))

    @property
    def algorithm(self) -> str:
        return "RS256" if self._is_rsa else "ES256"

    def sign(self, claims: dict[str, Any]) -> str:
        message = f"{self._head}.{_encode(orjson.dumps(claims))}"
        return f"{message}.{_encode(_sign(self._key, message.encode()))}"


def load_public_keys(path: Path) -> list[PublicKey]:
    """Every key of a PEM file; a private key and a certificate stand for their public keys."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    data = path.read_bytes()
    keys: list[Any] = []
    for block in data.split(b"-----BEGIN ")[1:]:
        pem, sort = b"-----BEGIN " + block, block.splitlines()[0]
        if b"PRIVATE KEY" in sort:
            private: Any = serialization.load_pem_private_key(pem, None)
            keys.append(private.public_key())
        elif b"CERTIFICATE" in sort:
            keys.append(x509.load_pem_x509_certificate(pem).public_key())
        else:
            keys.append(serialization.load_pem_public_key(pem))
    return keys


def load_private_key(path: Path) -> PrivateKey:
    from cryptography.hazmat.primitives import serialization

    return cast("PrivateKey", serialization.load_pem_private_key(path.read_bytes(), None))


def key_id(key: PublicKey) -> str:
    """Upstream's key id: a hash of the key in its DER form."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _encode(hashlib.sha256(der).digest())


def _is_rsa(key: Any) -> bool:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey)


def _sign(key: Any, message: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    if _is_rsa(key):
        signature: bytes = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return signature
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_ES256_BYTES, "big") + s.to_bytes(_ES256_BYTES, "big")


def _is_signed(key: Any, message: bytes, signature: bytes, algorithm: object) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    try:
        if _is_rsa(key):
            if algorithm != "RS256":
                return False
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            if algorithm != "ES256" or len(signature) != 2 * _ES256_BYTES:
                return False
            r, s = signature[:_ES256_BYTES], signature[_ES256_BYTES:]
            der = utils.encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
            key.verify(der, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _jwk(identifier: str, key: Any) -> dict[str, str]:
    numbers = key.public_numbers()
    if _is_rsa(key):
        return {
            "use": "sig", "kty": "RSA", "kid": identifier, "alg": "RS256",
            "n": _encode_number(numbers.n), "e": _encode_number(numbers.e),
        }  # fmt: skip
    x, y = (_encode(each.to_bytes(_ES256_BYTES, "big")) for each in (numbers.x, numbers.y))
    return {"use": "sig", "kty": "EC", "kid": identifier, "crv": "P-256", "alg": "ES256", "x": x, "y": y}


def _encode_number(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
