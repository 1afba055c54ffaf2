"""Service account tokens for pods.

Asked for once, kept while they are fresh, asked for again at 80 % of their life.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, name_of, namespace_of, uid_of
from apimachinery.scheme import SERVICE_ACCOUNTS
from apimachinery.times import parse_time
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.volumes.errors import MountError
from kubelet.volumes.payload import TokenRequest

MAX_AGE = 24 * 3600.0
MAX_JITTER = 10.0
FRESH_PART = 0.8

_Key = tuple[str, str, str, TokenRequest]


@dataclass(frozen=True, slots=True)
class _Token:
    token: str
    refresh_at: float
    """Loop time."""


class TokenManager:
    """The tokens of the pods of this process."""

    def __init__(self, client: Client, now: Callable[[], datetime], rng: random.Random) -> None:
        self._client = client
        self._now = now
        self._random = rng
        self._tokens: dict[_Key, _Token] = {}

    async def token(self, pod: Object, wanted: TokenRequest) -> str:
        key = _key(pod, wanted)
        known = self._tokens.get(key)
        if known is None or known.refresh_at <= asyncio.get_running_loop().time():
            known = await self._request(pod, wanted)
            self._tokens[key] = known
        return known.token

    def next_refresh(self, uid: str) -> float | None:
        """Seconds until one of the pod's tokens is to be replaced."""
        times = [each.refresh_at for key, each in self._tokens.items() if key[0] == uid]
        return max(min(times) - asyncio.get_running_loop().time(), 0.0) if times else None

    def forget(self, uid: str) -> None:
        for key in [each for each in self._tokens if each[0] == uid]:
            del self._tokens[key]

    async def _request(self, pod: Object, wanted: TokenRequest) -> _Token:
        account = _account(pod)
        try:
            answer = await self._client.create(
                SERVICE_ACCOUNTS, _body(pod, wanted), namespace_of(pod), name=account, subresource="token"
            )
        except (StatusError, ConnectionFailed) as error:
            raise MountError(f"failed to fetch token: {error}") from error
        expires = parse_time(answer["status"]["expirationTimestamp"])
        life = (expires - self._now()).total_seconds()
        fresh = min(life * FRESH_PART, MAX_AGE) - self._random.uniform(0, MAX_JITTER)
        return _Token(answer["status"]["token"], asyncio.get_running_loop().time() + fresh)


def _key(pod: Object, wanted: TokenRequest) -> _Key:
    return uid_of(pod), namespace_of(pod), _account(pod), wanted


def _account(pod: Object) -> str:
    return get_path(pod, "spec.serviceAccountName") or "default"


def _body(pod: Object, wanted: TokenRequest) -> Object:
    bound = {"apiVersion": "v1", "kind": "Pod", "name": name_of(pod), "uid": uid_of(pod)}
    spec: Object = {"expirationSeconds": wanted.expiration_seconds, "boundObjectRef": bound}
    if wanted.audience:
        spec["audiences"] = [wanted.audience]
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
