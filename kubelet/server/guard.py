"""The filter before every endpoint: who, and may they. Pure ASGI."""

from __future__ import annotations

import logging
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.reviews import Authenticator, User
from kubelet.server.identity import Authorizer, subresources_of, verb_of
from kubelet.server.protocol import PEER_SUBJECT
from kubelet.server.refused import Refused

log = logging.getLogger(__name__)


class Guard:
    def __init__(self, app: ASGIApp, authenticator: Authenticator, authorizer: Authorizer) -> None:
        self._app = app
        self._authenticator = authenticator
        self._authorizer = authorizer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal.response()(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Refused | None:
        """None for those who may pass."""
        headers = dict(reversed(scope["headers"]))  # of equal names the first counts
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        method, path = scope["method"], unquote(scope["path"])
        try:
            user = await self._authenticator.user(scope["extensions"].get(PEER_SUBJECT), authorization)
        except (StatusError, ConnectionFailed) as error:
            log.warning("Unable to authenticate the request: path=%s error=%s", path, error)
            return Refused(401, "Unauthorized")
        if user is None:
            return Refused(401, "Unauthorized")
        return await self._unless_allowed(user, method, path)

    async def _unless_allowed(self, user: User, method: str, path: str) -> Refused | None:
        who, subresources = f"user={user.name}, verb={verb_of(method)}, resource=nodes", subresources_of(path)
        try:
            if await self._authorizer.allows(user, method, path):
                return None
        except (StatusError, ConnectionFailed) as error:
            log.warning("Authorization error: path=%s error=%s", path, error)
            return Refused(500, f"Authorization error ({who}, subresource={subresources[0]})")
        log.info("Forbidden: user=%s method=%s path=%s", user.name, method, path)
        return Refused(403, f"Forbidden ({who}, subresource(s)=[{' '.join(subresources)}])\n")
