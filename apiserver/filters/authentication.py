"""Finds out who asks, or answers 401."""

from __future__ import annotations

from apimachinery.errors import UnauthorizedError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.authenticator import Authenticator, has_blanks_before_token
from apiserver.filters.request_info import KEY

_IGNORED = "the provided Authorization header contains extra space before the bearer token, and is ignored"


class Authentication:
    """Puts the user into the RequestInfo, and forgets the secret that proved it."""

    def __init__(self, app: App, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None:
            token = info.headers.pop("authorization", "")
            if has_blanks_before_token(token):
                info.warnings.append(_IGNORED)
            user = await self._authenticator.authenticate(token, scope)
            if user is None:
                raise UnauthorizedError
            info.user = user
        await self._app(scope, receive, send)
