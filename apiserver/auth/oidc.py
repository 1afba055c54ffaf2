"""Users that an OpenID issuer vouches for in JWTs.

Source: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from time import perf_counter

from apiserver.auth.authentication_config import JWTAuthenticator
from apiserver.auth.claim_mapping import user_of
from apiserver.auth.distributed_claims import ClaimError, DistributedClaim
from apiserver.auth.metrics import JWT_SECONDS
from apiserver.auth.oidc_keys import IssuerKeys
from apiserver.auth.oidc_verifier import IDTokenVerifier
from apiserver.request import UserInfo
from component_base.jwt import InvalidToken, claims_of


class OIDCAuthenticator:
    """Knows the tokens of one issuer."""

    def __init__(
        self,
        config: JWTAuthenticator,
        keys: IssuerKeys,
        now: Callable[[], datetime],
        groups: DistributedClaim | None = None,
    ) -> None:
        """`groups`: how the claim with the groups is come by if others vouch for it."""
        self._config = config
        self._verifier = IDTokenVerifier(config, keys, now)
        self._groups = groups
        self._hash = f"sha256:{sha256(config.issuer.encode()).hexdigest()}"

    def is_issuer_of(self, token: str) -> bool:
        """Whether the token says so; nothing is verified yet."""
        return claims_of(token).get("iss") == self._config.issuer

    async def verify(self, token: str) -> UserInfo:
        """Raises InvalidToken."""
        began, result = perf_counter(), "failure"
        try:
            user = await self._user_of(token)
            result = "success"
        finally:
            JWT_SECONDS.labels(result, self._hash).observe(perf_counter() - began)
        return user

    async def _user_of(self, token: str) -> UserInfo:
        """Raises InvalidToken."""
        try:
            claims = await self._verifier.verify(token)
        except InvalidToken as error:
            raise InvalidToken(f"oidc: verify token: {error}") from None
        if self._groups is not None:
            try:
                claims = await self._groups.expanded(claims)
            except ClaimError as error:
                raise InvalidToken(f"oidc: could not expand distributed claims: {error}") from None
        return user_of(claims, self._config)
