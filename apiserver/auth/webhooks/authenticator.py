"""The webhook token authenticator: puts a TokenReview to another server and remembers the answers.

Source: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/webhook/webhook.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from time import monotonic

from apimachinery.objects import Object
from apiserver.auth.expiring_cache import ExpiringCache
from apiserver.auth.webhooks.reviewer import Reviewer, ReviewFailed
from apiserver.request import UserInfo
from component_base.jwt import InvalidToken

log = logging.getLogger(__name__)

_Key = tuple[bytes, tuple[str, ...]]
_CACHE_SIZE = 32 * 1024
_IMPLIED = ("system:authenticated", "system:unauthenticated")


class WebhookAuthenticator:
    """Answers that are errors are not remembered, refusals are."""

    def __init__(
        self,
        reviewer: Reviewer,
        audiences: Sequence[str],
        seconds: float = 120.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`audiences`: what a token is good for if the webhook does not say; `seconds`: remembered."""
        self._reviewer = reviewer
        self._audiences = tuple(audiences)
        self._seconds = seconds
        self._remembered: ExpiringCache[_Key, Object] = ExpiringCache(_CACHE_SIZE, clock)
        self._asking: dict[_Key, asyncio.Task[Object]] = {}

    async def verify(self, token: str, audiences: Sequence[str]) -> tuple[UserInfo, tuple[str, ...]]:
        """The user and those of `audiences` that the token is for. Raises InvalidToken."""
        status = await self._status(token, tuple(audiences))
        meant = [each for each in audiences if each in (status.get("audiences") or self._audiences)]
        if not status.get("authenticated") or (audiences and not meant):
            raise InvalidToken(status.get("error") or "invalid bearer token")
        return user_of(status.get("user") or {}), tuple(meant)

    async def _status(self, token: str, audiences: tuple[str, ...]) -> Object:
        """Whoever needs it at the same time shares one call."""
        # A digest, since what is kept may end in a dump of our memory.
        key = (hashlib.sha256(token.encode()).digest(), audiences)
        remembered = self._remembered.get(key)
        if remembered is not None:
            return remembered
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._ask(key, token))
        return await asyncio.shield(self._asking[key])

    async def _ask(self, key: _Key, token: str) -> Object:
        spec = {"token": token, **({"audiences": list(key[1])} if key[1] else {})}
        try:
            status = await self._reviewer.status(spec)
        except ReviewFailed as error:
            log.error("Failed to make webhook authenticator request: err=%s", error)
            status = {"error": str(error)}
        finally:
            del self._asking[key]
        if status.get("authenticated") or not status.get("error"):
            self._remembered.add(key, status, self._seconds)
        return status


def user_of(said: Object) -> UserInfo:
    """The user of an authentication/v1 UserInfo; whoever is known is authenticated."""
    groups = tuple(said.get("groups") or ())
    if not any(each in groups for each in _IMPLIED):
        groups = (*groups, "system:authenticated")
    extra = {key: tuple(values) for key, values in (said.get("extra") or {}).items()}
    return UserInfo(said.get("username") or "", said.get("uid") or "", groups, extra)
