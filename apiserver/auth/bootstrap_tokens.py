"""Bootstrap tokens: Secrets in kube-system with which machines join the cluster.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from collections.abc import Callable
from datetime import datetime

from apimachinery.objects import Object, get_path
from apimachinery.scheme import SECRETS
from apimachinery.times import parse_time
from apiserver.auth.jwt import InvalidToken
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup

log = logging.getLogger(__name__)

TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
SECRET_TYPE = "bootstrap.kubernetes.io/token"
GROUP = "system:bootstrappers"
_EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")
_NAMESPACE, _PREFIX, _USER = "kube-system", "bootstrap-token-", "system:bootstrap:"


class BootstrapTokens:
    """Looks a token's Secret up each time: deleting it ends the token."""

    def __init__(self, lookup: Lookup, now: Callable[[], datetime]) -> None:
        self._lookup = lookup
        self._now = now

    def verify(self, token: str) -> UserInfo:
        """Raises InvalidToken, which says no more than that: why is for the log."""
        found = TOKEN.fullmatch(token)
        secret = self._lookup(SECRETS, _NAMESPACE, f"{_PREFIX}{found[1]}") if found else None
        if found is None or secret is None:
            raise InvalidToken("invalid bearer token")
        if wrong := _what_is_wrong(secret, found[1], found[2], self._now()):
            log.info("Refused a bootstrap token: id=%s reason=%s", found[1], wrong)
            raise InvalidToken("invalid bearer token")
        groups = (GROUP, *_extra_groups(secret), "system:authenticated")
        return UserInfo(f"{_USER}{found[1]}", groups=groups)


def _what_is_wrong(secret: Object, token_id: str, token_secret: str, now: datetime) -> str:
    """Nothing if the token is good."""
    if get_path(secret, "metadata.deletionTimestamp"):
        return "the secret is being deleted"
    if secret.get("type") != SECRET_TYPE:
        return f"the secret's type is not {SECRET_TYPE}"
    if not hmac.compare_digest(_value(secret, "token-secret"), token_secret):
        return "the token is another"
    if _value(secret, "token-id") != token_id:
        return "the token's id is another"
    if _value(secret, "usage-bootstrap-authentication") != "true":
        return "the token is not for authentication"
    if expiration := _value(secret, "expiration"):
        return _expired(expiration, now)
    return ""


def _expired(expiration: str, now: datetime) -> str:
    try:
        return "the token has expired" if parse_time(expiration) <= now else ""
    except ValueError:
        return f"the expiration {expiration!r} is no time"


def _extra_groups(secret: Object) -> list[str]:
    """Sorted, each once. Raises InvalidToken if one is not a bootstrappers' group."""
    groups = {group for group in _value(secret, "auth-extra-groups").split(",") if group}
    if not all(_EXTRA_GROUP.fullmatch(group) for group in groups):
        log.info("Refused a bootstrap token with other groups: groups=%s", ",".join(sorted(groups)))
        raise InvalidToken("invalid bearer token")
    return sorted(groups)


def _value(secret: Object, key: str) -> str:
    """A value of the Secret as text; nothing if it has none that can be read."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
