"""The filter before every endpoint: who, and may they. Pure ASGI."""

from __future__ import annotations

import logging
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.reviews import Authenticator
from kubelet.server.identity import Authorizer
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
        headers = dict(scope["headers"])
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        method, path = scope["method"], unquote(scope["path"])
        try:
            user = await self._authenticator.user(scope["extensions"].get(PEER_SUBJECT), authorization)
            if user is None:
                return Refused(401, "Unauthorized")
            if await self._authorizer.allows(user, method, path):
                return None
        except (StatusError, ConnectionFailed) as error:
            log.warning("Review failed: path=%s error=%s", path, error)
            return Refused(500, "Authorization error")
        log.info("Forbidden: user=%s method=%s path=%s", user.name, method, path)
        return Refused(403, f"Forbidden (user={user.name}, verb={method.lower()}, resource=nodes)")
