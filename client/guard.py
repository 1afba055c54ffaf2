"""The guard of a daemon's own port: everything but its health is for those whom the API server allows it."""

from __future__ import annotations

import logging

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.rest import Client
from client.reviews import AccessReviews, Authenticator, User
from component_base.http_server import Request, Response

log = logging.getLogger(__name__)


class PortGuard:
    """Asks about the path as a nonResourceURL, as upstream's delegated authorization does."""

    def __init__(self, client: Client) -> None:
        self._authenticator = Authenticator(client)
        self._reviews = AccessReviews(client)

    async def refusal(self, request: Request) -> Response | None:
        """What to answer those who may not have what they ask for."""
        try:
            user = await self._authenticator.user(request.peer, request.headers.get("authorization", ""))
            if user is None:
                return Response(b"Unauthorized\n", 401)
            return None if await self._may(user, request) else _forbidden(user, request)
        except (StatusError, ConnectionFailed) as error:
            log.warning("Review failed: path=%s error=%s", request.path, error)
            return Response(b"Internal Server Error: the API server could not be asked\n", 500)

    async def _may(self, user: User, request: Request) -> bool:
        attributes = {"path": request.path, "verb": request.method.lower()}
        return await self._reviews.allows(user, "nonResourceAttributes", attributes)


def _forbidden(user: User, request: Request) -> Response:
    log.info("Forbidden: user=%s method=%s path=%s", user.name, request.method, request.path)
    text = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{request.path}"\n'
    return Response(text.encode(), 403)
