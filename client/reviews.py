"""Who asks a daemon, and whether they may: TLS verifies certificates, the API server says the rest.

Answers are remembered for a while, as upstream's delegated authentication and authorization do.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from apimachinery.objects import Object, get_path
from apimachinery.scheme import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS
from client.metrics import counted_review
from client.rest import Client

TOKEN_SECONDS = 120.0
ALLOWED_SECONDS, DENIED_SECONDS = 300.0, 30.0
PRIVILEGED_GROUP = "system:masters"
CACHE_SIZE = 1024


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def user_of_certificate(subject: Any) -> User | None:
    """From the subject as `ssl.getpeercert` gives it: CN is the name, O the groups."""
    fields = [pair for relative in subject or () for pair in relative]
    names = [value for key, value in fields if key == "commonName"]
    groups = tuple(value for key, value in fields if key == "organizationName")
    return User(names[0], (*groups, "system:authenticated")) if names else None


V = TypeVar("V")


class _Cache(Generic[V]):
    """Forgets after a while, and the oldest first."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[float, V]] = {}

    def get(self, key: Hashable) -> V | None:
        entry = self._entries.get(key)
        if entry is None or entry[0] < asyncio.get_running_loop().time():
            return None
        return entry[1]

    def put(self, key: Hashable, value: V, seconds: float) -> None:
        if len(self._entries) >= CACHE_SIZE:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (asyncio.get_running_loop().time() + seconds, value)


class Authenticator:
    """The subject of a client certificate, or the user of a bearer token."""

    def __init__(
        self,
        client: Client,
        *,
        anonymous: bool = False,
        ask_about_tokens: bool = True,
        seconds: float = TOKEN_SECONDS,
    ) -> None:
        """`seconds`: how long the user of a token is remembered."""
        self._client = client
        self._seconds = seconds
        self._ask_about_tokens = ask_about_tokens
        self._anonymous = anonymous
        self._tokens: _Cache[User] = _Cache()

    async def user(self, certificate_subject: Any, authorization: str) -> User | None:
        user = user_of_certificate(certificate_subject)
        if user is not None:
            return user
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token and self._ask_about_tokens:
            return await self._user_of_token(token.strip())
        return ANONYMOUS if self._anonymous else None

    async def _user_of_token(self, token: str) -> User | None:
        key = hashlib.sha256(token.encode()).digest()
        known = self._tokens.get(key)
        if known is not None:
            return known
        review: Object = {
            "apiVersion": TOKEN_REVIEWS.api_version,
            "kind": TOKEN_REVIEWS.kind,
            "metadata": {},
            "spec": {"token": token},
        }
        with counted_review("authn"):
            answer = await self._client.create(TOKEN_REVIEWS, review)
        status = answer.get("status") or {}
        if not status.get("authenticated"):
            return None
        user = _user_of_review(status["user"])
        self._tokens.put(key, user, self._seconds)
        return user


def _user_of_review(user: Object) -> User:
    extra = tuple((key, tuple(values)) for key, values in (user.get("extra") or {}).items())
    return User(user.get("username") or "", tuple(user.get("groups") or ()), user.get("uid") or "", extra)


class AccessReviews:
    """SubjectAccessReviews. Administrators of the machine need none."""

    def __init__(
        self,
        client: Client,
        *,
        allowed_seconds: float = ALLOWED_SECONDS,
        denied_seconds: float = DENIED_SECONDS,
    ) -> None:
        """How long verdicts are remembered."""
        self._client = client
        self._allowed_seconds, self._denied_seconds = allowed_seconds, denied_seconds
        self._verdicts: _Cache[bool] = _Cache()

    async def allows(self, user: User, kind: str, attributes: Mapping[str, str]) -> bool:
        """`kind`: resourceAttributes or nonResourceAttributes."""
        if PRIVILEGED_GROUP in user.groups:
            return True
        key = (user, kind, tuple(attributes.items()))
        known = self._verdicts.get(key)
        if known is not None:
            return known
        with counted_review("authz"):
            answer = await self._client.create(SUBJECT_ACCESS_REVIEWS, _review(user, kind, attributes))
        allowed = bool(get_path(answer, "status.allowed"))
        self._verdicts.put(key, allowed, self._allowed_seconds if allowed else self._denied_seconds)
        return allowed


def _review(user: User, kind: str, attributes: Mapping[str, str]) -> Object:
    return {
        "apiVersion": SUBJECT_ACCESS_REVIEWS.api_version,
        "kind": SUBJECT_ACCESS_REVIEWS.kind,
        "metadata": {},
        "spec": {
            "user": user.name,
            "groups": list(user.groups),
            "uid": user.uid,
            "extra": {key: list(values) for key, values in user.extra},
            kind: dict(attributes),
        },
    }
