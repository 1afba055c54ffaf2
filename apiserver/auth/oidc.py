"""Users that an OpenID issuer vouches for in JWTs.

Source: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go of Kubernetes 1.34, without
distributed claims.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from jwt import get_unverified_header
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidTokenError, PyJWTError

from apiserver.auth.authentication_config import JWTAuthenticator
from apiserver.auth.claim_mapping import user_of
from apiserver.auth.oidc_keys import IssuerKeys, Key
from apiserver.request import UserInfo
from component_base.jwt import InvalidToken, claims_of

_LEEWAY_SECONDS = 300
"""How far an issuer's clock may be ahead."""
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}


class OIDCAuthenticator:
    """Knows the tokens of one issuer."""

    def __init__(self, config: JWTAuthenticator, keys: IssuerKeys, now: Callable[[], datetime]) -> None:
        self._config = config
        self._keys = keys
        self._now = now

    def is_issuer_of(self, token: str) -> bool:
        """Whether the token says so; nothing is verified yet."""
        return claims_of(token).get("iss") == self._config.issuer

    async def verify(self, token: str) -> UserInfo:
        """Raises InvalidToken."""
        try:
            claims = await self._verified(token)
        except InvalidToken as error:
            raise InvalidToken(f"oidc: verify token: {error}") from None
        return user_of(claims, self._config)

    async def _verified(self, token: str) -> dict[str, Any]:
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
        """Audience and time, in the order and the words of go-oidc."""
        found = claims.get("aud") or []
        audiences = [found] if isinstance(found, str) else list(found)
        wanted = self._config.audiences
        if not any(each in audiences for each in wanted):
            shown = orjson.dumps(wanted[0] if len(wanted) == 1 else sorted(wanted)).decode()
            got = " ".join(f'"{each}"' for each in audiences)
            raise InvalidToken(f"oidc: expected audience {shown} got [{got}]")
        now = self._now().timestamp()
        if now >= _number(claims, "exp"):
            raise InvalidToken("oidc: token is expired")
        if now + _LEEWAY_SECONDS < _number(claims, "nbf"):
            raise InvalidToken("oidc: current time before the nbf (not before) time")


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
