"""Service account tokens for pods.

Asked for once, kept while they are fresh, asked for again at 80 % of their life.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, name_of, namespace_of, uid_of
from apimachinery.scheme import SERVICE_ACCOUNTS
from apimachinery.times import parse_time
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.volumes.errors import MountError
from kubelet.volumes.payload import TokenRequest

log = logging.getLogger(__name__)

MAX_AGE = 24 * 3600.0
MAX_JITTER = 10.0
FRESH_PART = 0.8

PAUSE = 60.0
"""Until a token is due again that could not be renewed, or has expired by this node's clock as it comes."""

_Key = tuple[str, str, str, str, TokenRequest]
"""The pod's uid, namespace and name, its account, and what is asked for."""


@dataclass(frozen=True, slots=True)
class _Token:
    token: str
    refresh_at: float
    """Loop time."""
    expires_at: float
    """Loop time. Until then it does, if the API has no other."""


class TokenManager:
    """The tokens of the pods of this process."""

    def __init__(self, client: Client, now: Callable[[], datetime], rng: random.Random) -> None:
        self._client = client
        self._now = now
        self._random = rng
        self._tokens: dict[_Key, _Token] = {}

    async def token(self, pod: Object, wanted: TokenRequest) -> str:
        key = _key(pod, wanted)
        known, now = self._tokens.get(key), asyncio.get_running_loop().time()
        if known is None or min(known.refresh_at, known.expires_at) <= now:
            try:
                self._tokens[key] = known = await self._request(pod, wanted)
            except (StatusError, ConnectionFailed) as error:
                if known is None:
                    raise MountError(f"failed to fetch token: {error}") from error
                # Of no use any more, it is due no sooner: how often a mount is tried is not for it to say.
                self._tokens[key] = replace(known, refresh_at=now + PAUSE)
                if known.expires_at <= now:
                    raise MountError(f"token {_shown(key)} expired and refresh failed: {error}") from error
                log.warning("Token not renewed, will retry: pod=%s error=%s", key[0], error)
        return known.token

    def next_refresh(self, uid: str) -> float | None:
        """Seconds until one of the pod's tokens is to be replaced."""
        times = [each.refresh_at for key, each in self._tokens.items() if key[0] == uid]
        return max(min(times) - asyncio.get_running_loop().time(), 0.0) if times else None

    def forget(self, uid: str) -> None:
        for key in [each for each in self._tokens if each[0] == uid]:
            del self._tokens[key]

    async def _request(self, pod: Object, wanted: TokenRequest) -> _Token:
        answer = await self._client.create(
            SERVICE_ACCOUNTS, _body(pod, wanted), namespace_of(pod), name=_account(pod), subresource="token"
        )
        expires = parse_time(answer["status"]["expirationTimestamp"])
        life = (expires - self._now()).total_seconds()
        fresh = min(life * FRESH_PART, MAX_AGE) - self._random.uniform(0, MAX_JITTER)
        asked = asyncio.get_running_loop().time()
        return _Token(answer["status"]["token"], asked + max(fresh, PAUSE), asked + life)


def _key(pod: Object, wanted: TokenRequest) -> _Key:
    return uid_of(pod), namespace_of(pod), name_of(pod), _account(pod), wanted


def _shown(key: _Key) -> str:
    """As Go prints the key of upstream's cache."""
    uid, namespace, pod, account, wanted = key
    audiences = f'{{"{wanted.audience}"}}' if wanted.audience else "(nil)"
    bound = f'v1.BoundObjectReference{{Kind:"Pod", APIVersion:"v1", Name:"{pod}", UID:"{uid}"}}'
    return f'"{account}"/"{namespace}"/[]string{audiences}/{wanted.expiration_seconds}/{bound}/""'


def _account(pod: Object) -> str:
    return get_path(pod, "spec.serviceAccountName") or "default"


def _body(pod: Object, wanted: TokenRequest) -> Object:
    bound = {"apiVersion": "v1", "kind": "Pod", "name": name_of(pod), "uid": uid_of(pod)}
    spec: Object = {"expirationSeconds": wanted.expiration_seconds, "boundObjectRef": bound}
    if wanted.audience:
        spec["audiences"] = [wanted.audience]
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
