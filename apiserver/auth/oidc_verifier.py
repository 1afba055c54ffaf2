"""Whether a JWT is good: signed by its issuer, in time, and meant for us."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from jwt import get_unverified_header
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidTokenError, PyJWTError

from apiserver.auth.authentication_config import JWTAuthenticator
from apiserver.auth.oidc_keys import IssuerKeys, Key
from component_base.jwt import InvalidToken, claims_of

_LEEWAY_SECONDS = 300
"""How far an issuer's clock may be ahead."""
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}


class IDTokenVerifier:
    """Of the tokens of one issuer, whose keys these are; the configuration says for whom they must be."""

    def __init__(self, config: JWTAuthenticator, keys: IssuerKeys, now: Callable[[], datetime]) -> None:
        self._config = config
        self._keys = keys
        self._now = now

    async def verify(self, token: str) -> dict[str, Any]:
        """Its claims. Raises InvalidToken."""
        try:
            header = get_unverified_header(token)
        except InvalidTokenError as error:
            raise InvalidToken(f"oidc: malformed jwt: {error}") from None
        algorithm, key_id = header.get("alg", ""), header.get("kid") or ""
        if algorithm not in self._config.algorithms:
            expected = " ".join(self._config.algorithms)
            text = (
                f'oidc: id token signed with unsupported algorithm, expected [{expected}] got "{algorithm}"'
            )
            raise InvalidToken(text)
        claims = _signed(token, algorithm, self._keys.known(key_id))
        if claims is None:
            claims = _signed(token, algorithm, await self._keys.fetched(key_id))
        if claims is None:
            raise InvalidToken("failed to verify signature: failed to verify id token signature")
        self._check(claims)
        return claims

    def _check(self, claims: dict[str, Any]) -> None:
        """Time, then audience, in upstream's words."""
        now = self._now().timestamp()
        if now >= _number(claims, "exp"):
            raise InvalidToken("oidc: token is expired")
        if now + _LEEWAY_SECONDS < _number(claims, "nbf"):
            raise InvalidToken("oidc: current time before the nbf (not before) time")
        found = claims.get("aud") or []
        audiences = found if isinstance(found, list) else [found]
        if not any(each in audiences for each in self._config.audiences):
            wanted = _quoted(sorted(self._config.audiences))
            raise InvalidToken(f"oidc: expected audience in {wanted} got {_quoted(audiences)}")


def _quoted(texts: Sequence[object]) -> str:
    return f"[{' '.join(json.dumps(each) for each in texts)}]"


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0


def _signed(token: str, algorithm: str, keys: list[Key]) -> dict[str, Any] | None:
    """The claims, if any of the keys has signed them."""
    reader = PyJWS(algorithms=[algorithm])
    for each in keys:
        if each.type != _FAMILIES[algorithm[:2]]:
            continue
        try:
            reader.decode_complete(token, each.key, algorithms=[algorithm])
        except PyJWTError:
            continue
        return claims_of(token)
    return None
