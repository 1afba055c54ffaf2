"""Lets a request through that its user may make, and answers 403 in upstream's words to others."""

from __future__ import annotations

from time import perf_counter

from apimachinery.errors import InternalError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.attempts import Attempts, Result
from apiserver.auth.attributes import Attributes, attributes_of, forbidden
from apiserver.auth.authorizer import ALLOWED, MASTERS, Authorizer, Decision
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

    def __init__(self, app: App, authorizer: Authorizer, attempts: Attempts) -> None:
        self._app = app
        self._authorizer = authorizer
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None:
            begun = perf_counter()
            decision = await decide(self._authorizer, info)
            self._attempts.authorized(_result_of(decision), begun)
            try:
                enforce(decision, info)
            except Undecided as error:
                return await send_server_error(scope, send, error.cause)
        await self._app(scope, receive, send)


async def require(authorizer: Authorizer, info: RequestInfo, verb: str = "") -> None:
    """Raises ForbiddenError if the user may not make the request (with `verb` in place of its own, if given).

    Raises Undecided where no authorizer could say.
    """
    enforce(await decide(authorizer, info, verb), info, verb)


async def decide(authorizer: Authorizer, info: RequestInfo, verb: str = "") -> Decision:
    if MASTERS in info.user.groups:
        return ALLOWED
    return await authorizer.authorize(_asked(info, verb))


def enforce(decision: Decision, info: RequestInfo, verb: str = "") -> None:
    """Notes it. Raises ForbiddenError and Undecided."""
    if decision.error and not decision.allowed:
        info.annotations[_REASON] = "internal error"
        raise Undecided(decision.error)
    info.decision = info.decision or (decision.allowed, decision.reason)
    if not decision.allowed:
        raise forbidden(_asked(info, verb), decision.reason)


def _asked(info: RequestInfo, verb: str) -> Attributes:
    attributes = attributes_of(info)
    attributes.verb = verb or info.verb
    return attributes


def _result_of(decision: Decision) -> Result:
    if decision.allowed:
        return Result.ALLOWED
    if decision.error:
        return Result.ERROR
    return Result.DENIED if decision.denied else Result.NO_OPINION
