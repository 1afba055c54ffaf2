"""The keys of an OpenID issuer: found by discovery, kept, and fetched anew when they have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from apiserver.http_client import new_client
from component_base.certificates import client_context
from component_base.jwt import InvalidToken

Fetch = Callable[[str], Awaitable[bytes]]
"""fetch(url): the body of a good answer. Raises FetchError."""

_WELL_KNOWN = "/.well-known/openid-configuration"
_FETCH_SECONDS = 30.0
_PAUSE_SECONDS = 1.0
"""Between two fetches, however many tokens are signed with keys that nobody has published."""

_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
}


class FetchError(Exception):
    """The issuer does not answer, or not well."""


@dataclass(frozen=True, slots=True)
class Key:
    """One published key. An empty `id`: tokens do not name it."""

    id: str
    type: str
    """RSA or EC."""
    key: Any


class IssuerKeys:
    """Whoever needs the keys at the same time shares one fetch."""

    def __init__(
        self, issuer: str, fetch: Fetch, clock: Callable[[], float], discovery_url: str = ""
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._discovery_url = discovery_url or f"{issuer.rstrip('/')}{_WELL_KNOWN}"
        self._keys: list[Key] = []
        self._fetching: asyncio.Task[list[Key]] | None = None
        self._fetched_at = float("-inf")

    def known(self, key_id: str) -> list[Key]:
        """Those that may have signed a token that names `key_id`."""
        return [each for each in self._keys if not key_id or each.id in ("", key_id)]

    async def fetched(self, key_id: str) -> list[Key]:
        """As `known`, after asking the issuer. Raises InvalidToken."""
        if self._fetching is None:
            if self._clock() - self._fetched_at < _PAUSE_SECONDS:
                return self.known(key_id)
            self._fetching = asyncio.create_task(self._load())
        task = self._fetching
        try:
            self._keys = await asyncio.shield(task)
        except FetchError as error:
            raise InvalidToken(f"fetching keys {error}") from None
        finally:
            if task.done():
                self._fetching = None
        return self.known(key_id)

    async def _load(self) -> list[Key]:
        self._fetched_at = self._clock()
        document = _decoded(await self._fetch(self._discovery_url))
        if document.get("issuer") != self._issuer:
            found = f'expected "{self._issuer}" got "{document.get("issuer")}"'
            raise FetchError(f"oidc: issuer did not match the issuer returned by provider, {found}")
        return keys_of(_decoded(await self._fetch(str(document.get("jwks_uri")))))


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise FetchError(f"oidc: failed to decode: {error}") from None
    if not isinstance(found, dict):
        raise FetchError("oidc: failed to decode: no object")
    return found


def keys_of(document: dict[str, Any]) -> list[Key]:
    """The keys of a JWKS with which signatures can be checked; of others there may be some, too."""
    found = []
    listed = document.get("keys") or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise FetchError("oidc: failed to decode keys: not a list of objects")
    for raw in listed:
        read = _READERS.get(raw.get("kty"))
        if read is None or raw.get("use", "sig") != "sig":
            continue
        try:
            found.append(Key(raw.get("kid") or "", raw["kty"], read(raw)))
        except (InvalidKeyError, TypeError, ValueError) as error:
            raise FetchError(f"oidc: failed to decode keys: {error}") from None
    return found


class HttpFetch:
    """Fetches over HTTPS, trusting an authority in PEM or the host's; too rarely to stay connected."""

    def __init__(self, authority: str) -> None:
        self._tls = client_context(ca=authority)

    async def __call__(self, url: str, token: str = "") -> bytes:
        """`token`: what is shown as a bearer token, if it is not empty."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            async with new_client(self._tls, timeout=_FETCH_SECONDS) as client:
                answer = await client.get(url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f'Get "{url}": {error}') from None
        if answer.status_code != 200:
            raise FetchError(f"{answer.status_code} {answer.reason_phrase}: {url}")
        return answer.content
