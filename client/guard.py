"""The guard of a daemon's own port: health is open to all, the rest to whom the API server allows it."""

from __future__ import annotations

import logging

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.rest import Client
from client.reviews import AccessReviews, Authenticator, User
from component_base.delegating_options import HEALTH_PATHS, DelegatingOptions, is_open
from component_base.http_server import Request, Response
from component_base.kubeconfig import load

log = logging.getLogger(__name__)


class PortGuard:
    """Asks about the path as a nonResourceURL, as upstream's delegated authorization does."""

    def __init__(
        self,
        authenticator: Authenticator,
        reviews: AccessReviews,
        open_paths: tuple[str, ...] = HEALTH_PATHS,
    ) -> None:
        self._authenticator = authenticator
        self._reviews = reviews
        self._open_paths = open_paths

    async def refusal(self, request: Request) -> Response | None:
        """What to answer those who may not have what they ask for."""
        if is_open(request.path, self._open_paths):
            return None
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


def guard_of(options: DelegatingOptions, client: Client, *, kubeconfig: str, name: str) -> PortGuard:
    """`client` is of the file `kubeconfig`; where flags name another file, one is made of that for `name`."""

    def asking(path: str) -> Client:
        return client if path in ("", kubeconfig) else Client(load(path), user_agent=name)

    return PortGuard(
        Authenticator(
            asking(options.authentication_kubeconfig), seconds=options.authentication_token_webhook_cache_ttl
        ),
        AccessReviews(
            asking(options.authorization_kubeconfig),
            allowed_seconds=options.authorization_webhook_cache_authorized_ttl,
            denied_seconds=options.authorization_webhook_cache_unauthorized_ttl,
        ),
        options.authorization_always_allow_paths,
    )


def _forbidden(user: User, request: Request) -> Response:
    log.info("Forbidden: user=%s method=%s path=%s", user.name, request.method, request.path)
    text = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{request.path}"\n'
    return Response(text.encode(), 403)
