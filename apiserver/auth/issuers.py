"""The issuers of an AuthenticationConfiguration, and those of a changed one without a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from apiserver.auth.authentication_config import AuthenticationConfiguration, JWTAuthenticator
from apiserver.auth.authenticator import Authenticator
from apiserver.config_files import ConfigError, WatchedFile
from apiserver.reload_metrics import AUTHENTICATION

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
    """Does as the file says whenever it changes; one that is no good changes nothing."""

    def __init__(
        self,
        path: str,
        authenticator: Authenticator,
        known: AuthenticationConfiguration,
        read: Callable[[bytes], AuthenticationConfiguration],
        now: Callable[[], datetime],
    ) -> None:
        """`known` is what the authenticator has been made by; `read` makes a configuration of a text."""
        self._file = WatchedFile(path)
        self._authenticator = authenticator
        self._known = known
        self._read = read
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
        configuration = self._read(text)
        if configuration.anonymous != self._known.anonymous:
            raise ConfigError("anonymous: Forbidden: changed from initial configuration file")
        if configuration == self._known:
            return
        self._authenticator.trust([new_issuer(each, self._now) for each in configuration.jwt])
        self._known = configuration
        AUTHENTICATION.note("success")
        AUTHENTICATION.applied(text)
        log.info("Reloaded the authentication configuration")
