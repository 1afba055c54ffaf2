"""The issuers of an AuthenticationConfiguration, and those of a changed one without a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from apiserver.auth.authentication_config import Anonymous, JWTAuthenticator, parse
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.reload_metrics import AUTHENTICATION
from apiserver.config_files import ConfigError, WatchedFile

if TYPE_CHECKING:
    from apiserver.auth.oidc import OIDCAuthenticator

log = logging.getLogger(__name__)


def new_issuer(config: JWTAuthenticator, now: Callable[[], datetime]) -> OIDCAuthenticator:
    """What it needs takes a fifth of a second to import, which only those wait for who want it."""
    from apiserver.auth.distributed_claims import DistributedClaim
    from apiserver.auth.oidc import OIDCAuthenticator
    from apiserver.auth.oidc_keys import HttpFetch, IssuerKeys
    from apiserver.auth.oidc_verifier import IDTokenVerifier

    fetch = HttpFetch(config.authority)

    def verifier_of(issuer: str) -> IDTokenVerifier:
        return IDTokenVerifier(config, IssuerKeys(issuer, fetch, monotonic), now)

    keys = IssuerKeys(config.issuer, fetch, monotonic, config.discovery_url)
    name = config.groups.name
    groups = DistributedClaim(name, fetch, verifier_of) if name else None
    return OIDCAuthenticator(config, keys, now, groups)


class IssuersFile:
    """Does as the file says whenever it changes; one that is no good changes nothing.

    As in upstream, what it says of anonymous requests counts from the start only.
    """

    def __init__(
        self,
        path: str,
        authenticator: Authenticator,
        known: Sequence[JWTAuthenticator],
        disallowed: Collection[str],
        now: Callable[[], datetime],
    ) -> None:
        """`known` are the issuers that the authenticator has been given."""
        self._file = WatchedFile(path)
        self._authenticator = authenticator
        self._known = tuple(known)
        self._disallowed = disallowed
        self._now = now

    async def follow(self) -> None:
        """Never returns."""
        while True:
            try:
                self.reload(await self._file.changed())
            except ConfigError as error:
                AUTHENTICATION.note("failure")
                log.error("Failed to reload the authentication configuration: err=%s", error)

    def reload(self, text: bytes) -> None:
        """Raises ConfigError."""
        issuers = parse(text, self._disallowed, Anonymous()).jwt
        if issuers == self._known:
            return
        self._authenticator.trust([new_issuer(each, self._now) for each in issuers])
        self._known = issuers
        AUTHENTICATION.note("success")
        log.info("Reloaded the authentication configuration")
