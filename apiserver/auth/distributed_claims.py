"""A claim that a token only points to: another endpoint gives it, in a JWT of its own issuer.

Source: OpenID Connect Core 1.0, section 5.6.2, and oidc.go (claimResolver) of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apimachinery.objects import Object
from apiserver.auth.oidc_keys import FetchError
from apiserver.auth.oidc_verifier import IDTokenVerifier
from component_base.jwt import InvalidToken, claims_of

FetchJWT = Callable[[str, str], Awaitable[bytes]]
"""fetch(url, access_token): the body of a good answer. Raises FetchError."""

MAX_VERIFIERS = 32

_NAMES, _SOURCES = "_claim_names", "_claim_sources"


class ClaimError(Exception):
    """The claim is said to be elsewhere, and cannot be had there."""


class DistributedClaim:
    def __init__(self, name: str, fetch: FetchJWT, verifier_of: Callable[[str], IDTokenVerifier]) -> None:
        """verifier_of(issuer) makes what verifies the tokens of an issuer; it is kept."""
        self._name = name
        self._fetch = fetch
        self._verifier_of = verifier_of
        self._verifiers: dict[str, IDTokenVerifier] = {}

    async def expanded(self, claims: Object) -> Object:
        """The claims with this one among them, if they point to it. Raises ClaimError."""
        source = source_of(self._name, claims)
        if source is None or not source.get("endpoint"):
            return claims
        return {**claims, self._name: await self._resolved(source)}

    async def _resolved(self, source: Object) -> object:
        url = source["endpoint"]
        try:
            token = (await self._fetch(url, source.get("access_token") or "")).decode("ascii", "replace")
        except FetchError as error:
            raise ClaimError(f'while getting distributed claim "{self._name}": {error}') from None
        try:
            found = await self.verifier(str(claims_of(token).get("iss", ""))).verify(token)
        except InvalidToken as error:
            raise ClaimError(f"verify distributed claim token: {error}") from None
        if self._name not in found:
            text = f'jwt returned by distributed claim endpoint "{url}" did not contain claim'
            raise ClaimError(f"{text}: {self._name}")
        return found[self._name]

    def verifier(self, issuer: str) -> IDTokenVerifier:
        """Whoever answers at an endpoint names one: what was asked for last is kept."""
        verifier = self._verifiers.pop(issuer, None) or self._verifier_of(issuer)
        self._verifiers[issuer] = verifier
        if len(self._verifiers) > MAX_VERIFIERS:
            del self._verifiers[next(iter(self._verifiers))]
        return verifier


def source_of(name: str, claims: Object) -> Object | None:
    """Where a claim is to be had; None if it is here already, or nowhere. Raises ClaimError."""
    if name in claims or _NAMES not in claims:
        return None
    names, sources = claims[_NAMES], claims.get(_SOURCES)
    if not isinstance(names, dict):
        raise ClaimError("oidc: error parsing distributed claim names: no object")
    if sources is None:
        raise ClaimError("oidc: no claim sources")
    if not isinstance(sources, dict) or not all(isinstance(each, dict) for each in sources.values()):
        raise ClaimError("oidc: could not parse claim sources: no objects")
    if name not in names:
        return None
    if names[name] not in sources:
        text = f"id token _claim_names contained a source {names[name]} missing in _claims_sources"
        raise ClaimError(text)
    source: Object = sources[names[name]]
    return source
