"""Lets a request through that its user may make, and answers 403 in upstream's words to others."""

from __future__ import annotations

from apimachinery.errors import InternalError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.attributes import attributes_of, forbidden
from apiserver.auth.authorizer import MASTERS, Authorizer
from apiserver.filters.request_info import KEY
from apiserver.request import RequestInfo
from apiserver.responses import send_server_error

_REASON = "authorization.k8s.io/reason"
"""The audit annotation; where a decision was made the audit log makes it of that."""


class Undecided(InternalError):
    """It could not be told whether the user may."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Authorization:
    """The last filter before a request is served."""

    def __init__(self, app: App, authorizer: Authorizer) -> None:
        self._app = app
        self._authorizer = authorizer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None:
            try:
                await require(self._authorizer, info)
            except Undecided as error:
                return await send_server_error(scope, send, error.cause)
        await self._app(scope, receive, send)


async def require(authorizer: Authorizer, info: RequestInfo, verb: str = "") -> None:
    """Raises ForbiddenError if the user may not make the request, or not with another verb; Undecided."""
    if MASTERS in info.user.groups:
        info.decision = info.decision or (True, "")
        return
    attributes = attributes_of(info)
    attributes.verb = verb or info.verb
    decision = await authorizer.authorize(attributes)
    if decision.error and not decision.allowed:
        info.annotations[_REASON] = "internal error"
        raise Undecided(decision.error)
    info.decision = info.decision or (decision.allowed, decision.reason)
    if not decision.allowed:
        raise forbidden(attributes, decision.reason)
