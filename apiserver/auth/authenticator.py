"""Who asks: a front proxy for somebody, a client certificate, a bearer token of any kind, else nobody.

A verified token is remembered for ten seconds, as upstream does; then what it is bound to is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, perf_counter, time
from typing import Protocol

from apimachinery.bootstrap_tokens import parse_token
from apiserver.asgi import Scope
from apiserver.auth.authentication_config import Anonymous
from apiserver.auth.bootstrap_tokens import BootstrapTokens
from apiserver.auth.expiring_cache import ExpiringCache
from apiserver.auth.metrics import CertificateMetrics, TokenCacheMetrics
from apiserver.auth.request_header import RequestHeaders
from apiserver.auth.tokens import TokenVerifier
from apiserver.auth.webhooks.authenticator import WebhookAuthenticator
from apiserver.auth.x509 import Client
from apiserver.request import ANONYMOUS, UserInfo
from component_base.jwt import InvalidToken

CLIENT = "sampan.client"
"""The scope extension with the Client that a connection's certificate names, None without a certificate."""

_REMEMBER_SECONDS = 10.0
_MOST_REMEMBERED = 10_000


class Issuer(Protocol):
    """Whoever else makes tokens that are good here."""

    def is_issuer_of(self, token: str) -> bool: ...

    async def verify(self, token: str) -> UserInfo:
        """Raises InvalidToken."""
        ...


def bearer_token(authorization: str) -> str:
    """Empty where there is none, or more than one blank before it."""
    scheme, token, *_ = [*authorization.strip().split(" ", 2), ""]
    return token if scheme.lower() == "bearer" else ""


def has_blanks_before_token(authorization: str) -> bool:
    parts = authorization.strip().split(" ", 2)
    return len(parts) == 3 and parts[0].lower() == "bearer" and not parts[1]


class Authenticator:
    def __init__(
        self,
        *,
        static_tokens: Mapping[str, UserInfo] | None = None,
        tokens: TokenVerifier | None = None,
        bootstrap_tokens: BootstrapTokens | None = None,
        issuers: Sequence[Issuer] = (),
        webhook: WebhookAuthenticator | None = None,
        request_headers: RequestHeaders | None = None,
        audiences: Sequence[str] = (),
        anonymous: Anonymous = Anonymous(),  # noqa: B008 (frozen)
        clock: Callable[[], float] = monotonic,
        now: Callable[[], float] = time,
    ) -> None:
        self.certificates = CertificateMetrics()
        self.token_cache = TokenCacheMetrics()
        self._now = now
        self._static_tokens = dict(static_tokens or {})
        self._tokens = tokens
        self._bootstrap_tokens = bootstrap_tokens
        self._issuers = tuple(issuers)
        self._webhook = webhook
        self._request_headers = request_headers
        self._audiences = tuple(audiences)
        self._anonymous = anonymous
        self._remembered: ExpiringCache[str, UserInfo] = ExpiringCache(_MOST_REMEMBERED, clock)

    def trust(self, issuers: Sequence[Issuer]) -> None:
        """These issuers from now on, and no others."""
        self._issuers = tuple(issuers)
        self._remembered.clear()

    async def authenticate(self, authorization: str, scope: Scope) -> UserInfo | None:
        """The user, or None if the credentials are no good."""
        client: Client | None = (scope.get("extensions") or {}).get(CLIENT)
        if client is not None:
            user = self._user_of_client(client, scope)
            if user is not None:
                self.certificates.seconds_left.observe(client.expires - self._now())
                return user
        if token := bearer_token(authorization):
            return await self._user_of_token(token)
        # A certificate that names nobody is no good; no certificate is.
        return ANONYMOUS if client is None and self._anonymous.allows(scope["path"]) else None

    def _user_of_client(self, client: Client, scope: Scope) -> UserInfo | None:
        if not client.is_proxy or self._request_headers is None:
            return client.user
        user = self._request_headers.user_of(scope["headers"])
        scope["headers"] = self._request_headers.without(scope["headers"])
        return user or client.user

    async def _user_of_token(self, token: str) -> UserInfo | None:
        remembered = self._remembered.get(token)
        if remembered is not None:
            self.token_cache.hits += 1
            return remembered
        began = perf_counter()
        try:
            user, _ = await self.review(token, self._audiences)
        except InvalidToken:
            self.token_cache.missed(perf_counter() - began, is_good=False)
            return None
        self.token_cache.missed(perf_counter() - began, is_good=True)
        self._remembered.add(token, user, _REMEMBER_SECONDS)
        return user

    async def review(self, token: str, audiences: Sequence[str] = ()) -> tuple[UserInfo, tuple[str, ...]]:
        """The user of a token and the audiences it is good for. Raises InvalidToken with every complaint."""
        wanted = tuple(audiences) or self._audiences
        try:
            return await self._known(token, wanted)
        except InvalidToken as error:
            if self._webhook is None:
                raise
            known = error.args
        try:
            return await self._webhook.verify(token, wanted)
        except InvalidToken as error:
            raise InvalidToken(*known, *error.args) from None

    async def _known(self, token: str, wanted: tuple[str, ...]) -> tuple[UserInfo, tuple[str, ...]]:
        """As `review`, of the tokens that we can judge ourselves."""
        user = self._static_tokens.get(token)
        if user is not None:
            return user, self._ours(wanted)
        if self._bootstrap_tokens is not None and parse_token(token):
            return self._bootstrap_tokens.verify(token), self._ours(wanted)
        for issuer in self._issuers:
            if issuer.is_issuer_of(token):
                return await issuer.verify(token), self._ours(wanted)
        if self._tokens is None:
            raise InvalidToken("invalid bearer token")
        return self._tokens.verify(token, wanted)

    def _ours(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Tokens that name no audience of the API are for the API. Raises InvalidToken if not asked for."""
        meant = tuple(each for each in wanted if each in self._audiences)
        if wanted and not meant:
            raise InvalidToken("invalid bearer token")
        return meant
