"""Who asks: a client certificate, else a bearer token of any kind, else nobody in particular.

A verified token is remembered for ten seconds, as upstream does; then what it is bound to is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from apimachinery.bootstrap_tokens import parse_token
from apiserver.auth.bootstrap_tokens import BootstrapTokens
from apiserver.auth.jwt import InvalidToken
from apiserver.auth.tokens import TokenVerifier
from apiserver.request import ANONYMOUS, UserInfo

CLIENT_USER = "sampan.client_user"
"""The scope extension in which the server puts the user of a connection's certificate."""

_REMEMBER_SECONDS = 10.0
_MOST_REMEMBERED = 10_000


class Authenticator:
    def __init__(
        self,
        *,
        static_tokens: Mapping[str, UserInfo] | None = None,
        tokens: TokenVerifier | None = None,
        bootstrap_tokens: BootstrapTokens | None = None,
        audiences: Sequence[str] = (),
        anonymous: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._static_tokens = dict(static_tokens or {})
        self._tokens = tokens
        self._bootstrap_tokens = bootstrap_tokens
        self._audiences = tuple(audiences)
        self._anonymous = ANONYMOUS if anonymous else None
        self._clock = clock
        self._remembered: dict[str, tuple[UserInfo, float]] = {}

    def authenticate(self, authorization: str, extensions: Mapping[str, Any]) -> UserInfo | None:
        """The user, or None if the credentials are no good."""
        user: UserInfo | None = extensions.get(CLIENT_USER)
        if user is not None:
            return user
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return self._anonymous
        return self._user_of(token.strip())

    def _user_of(self, token: str) -> UserInfo | None:
        remembered = self._remembered.get(token)
        now = self._clock()
        if remembered is not None and remembered[1] > now:
            return remembered[0]
        try:
            user, _ = self.review(token, self._audiences)
        except InvalidToken:
            self._remembered.pop(token, None)
            return None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[token] = (user, now + _REMEMBER_SECONDS)
        return user

    def review(self, token: str, audiences: Sequence[str] = ()) -> tuple[UserInfo, tuple[str, ...]]:
        """The user of a token and the audiences it is good for. Raises InvalidToken."""
        wanted = tuple(audiences) or self._audiences
        user = self._static_tokens.get(token)
        if user is not None:
            return user, wanted
        if self._bootstrap_tokens is not None and parse_token(token):
            return self._bootstrap_tokens.verify(token), wanted
        if self._tokens is None:
            raise InvalidToken("invalid bearer token")
        return self._tokens.verify(token, wanted)
