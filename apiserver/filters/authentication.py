"""Finds out who asks, or answers 401."""

from __future__ import annotations

from time import perf_counter

from apimachinery.errors import UnauthorizedError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.attempts import Attempts, Result
from apiserver.auth.authenticator import Authenticator, bearer_token, has_blanks_before_token
from apiserver.filters.request_info import KEY
from apiserver.request import UserInfo

_IGNORED = "the provided Authorization header contains extra space before the bearer token, and is ignored"


class Authentication:
    """Puts the user into the RequestInfo, and forgets the secret that proved it."""

    def __init__(self, app: App, authenticator: Authenticator, attempts: Attempts) -> None:
        self._app = app
        self._authenticator = authenticator
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None:
            token = info.headers.pop("authorization", "")
            if has_blanks_before_token(token):
                info.warnings.append(_IGNORED)
            info.user = await self._user(token, scope)
        await self._app(scope, receive, send)

    async def _user(self, token: str, scope: Scope) -> UserInfo:
        """Raises UnauthorizedError."""
        begun = perf_counter()
        user = await self._authenticator.authenticate(token, scope)
        if user is None:
            self._attempts.authenticated(Result.ERROR if bearer_token(token) else Result.FAILURE, begun)
            raise UnauthorizedError
        self._attempts.authenticated(Result.SUCCESS, begun, user.name)
        return user
