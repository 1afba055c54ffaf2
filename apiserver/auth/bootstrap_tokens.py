"""Bootstrap tokens: Secrets in kube-system with which machines join the cluster.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable
from datetime import datetime

from apimachinery.bootstrap_tokens import (
    GROUP,
    NAMESPACE,
    SECRET_PREFIX,
    SECRET_TYPE,
    BootstrapToken,
    parse_token,
    secret_value,
)
from apimachinery.objects import Object, get_path
from apimachinery.scheme import SECRETS
from apimachinery.times import parse_time
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup
from component_base.jwt import InvalidToken

log = logging.getLogger(__name__)

_EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")
_USER = "system:bootstrap:"


class BootstrapTokens:
    """Looks a token's Secret up each time: deleting it ends the token."""

    def __init__(self, lookup: Lookup, now: Callable[[], datetime]) -> None:
        self._lookup = lookup
        self._now = now

    def verify(self, text: str) -> UserInfo:
        """Raises InvalidToken, which says no more than that: why is for the log."""
        token = parse_token(text)
        secret = self._lookup(SECRETS, NAMESPACE, f"{SECRET_PREFIX}{token.id}") if token else None
        if token is None or secret is None:
            raise InvalidToken("invalid bearer token")
        if wrong := _what_is_wrong(secret, token, self._now()):
            log.info("Refused a bootstrap token: id=%s reason=%s", token.id, wrong)
            raise InvalidToken("invalid bearer token")
        groups = (GROUP, *_extra_groups(secret), "system:authenticated")
        return UserInfo(f"{_USER}{token.id}", groups=groups)


def _what_is_wrong(secret: Object, token: BootstrapToken, now: datetime) -> str:
    """Nothing if the token is good."""
    if get_path(secret, "metadata.deletionTimestamp"):
        return "the secret is being deleted"
    if secret.get("type") != SECRET_TYPE:
        return f"the secret's type is not {SECRET_TYPE}"
    if not hmac.compare_digest(secret_value(secret, "token-secret"), token.secret):
        return "the token is another"
    if secret_value(secret, "token-id") != token.id:
        return "the token's id is another"
    if secret_value(secret, "usage-bootstrap-authentication") != "true":
        return "the token is not for authentication"
    if expiration := secret_value(secret, "expiration"):
        return _expired(expiration, now)
    return ""


def _expired(expiration: str, now: datetime) -> str:
    try:
        return "the token has expired" if parse_time(expiration) <= now else ""
    except ValueError:
        return f"the expiration {expiration!r} is no time"


def _extra_groups(secret: Object) -> list[str]:
    """Sorted, each once. Raises InvalidToken if one is not a bootstrappers' group."""
    groups = {group for group in secret_value(secret, "auth-extra-groups").split(",") if group}
    if not all(_EXTRA_GROUP.fullmatch(group) for group in groups):
        log.info("Refused a bootstrap token with other groups: groups=%s", ",".join(sorted(groups)))
        raise InvalidToken("invalid bearer token")
    return sorted(groups)
