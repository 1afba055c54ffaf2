"""Lets a request through that its user may make, and answers 403 in upstream's words to others."""

from __future__ import annotations

from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.attributes import attributes_of, forbidden
from apiserver.auth.authorizer import Authorizer
from apiserver.filters.request_info import KEY


class Authorization:
    """The last filter before a request is served."""

    def __init__(self, app: App, authorizer: Authorizer) -> None:
        self._app = app
        self._authorizer = authorizer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None and "system:masters" not in info.user.groups:
            attributes = attributes_of(info)
            decision = self._authorizer.authorize(attributes)
            if not decision.allowed:
                raise forbidden(attributes, decision.reason)
        await self._app(scope, receive, send)
