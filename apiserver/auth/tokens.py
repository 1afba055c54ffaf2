"""ServiceAccount tokens: what is in them, and whether what they are bound to still exists.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/serviceaccount/claims.go
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apimachinery.legacy_tokens import INVALID_SINCE
from apimachinery.objects import Object, get_path, labels_of, uid_of
from apimachinery.scheme import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from apimachinery.times import parse_time
from apiserver.auth.service_account_metrics import AUTO_GENERATED, INVALIDATED, LEGACY, MANUAL, STALE, VALID
from apiserver.auth.service_accounts import service_account_groups, split_username, username
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup
from component_base.jwt import InvalidToken, Signer, Verifier

_CLAIM = "kubernetes.io"
_LEGACY_ISSUER = "kubernetes/serviceaccount"
_LEGACY_CLAIMS = ("namespace", "service-account.name", "service-account.uid", "secret.name")
_MARKED = (
    "Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the "
    f"'{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
)
_EXTRA = "authentication.kubernetes.io/"
_GRACE_AFTER_DELETION = 60
"""Seconds for which a token of a deleted pod still works: the pod may be shutting down."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a token lives and dies with, beside its ServiceAccount."""

    kind: str
    """Pod, Secret or Node; empty for nothing."""
    name: str = ""
    uid: str = ""
    node_name: str = ""
    node_uid: str = ""
    """The node of a bound pod, noted in the token for who reads it."""


class TokenIssuer:
    """Makes bound tokens."""

    def __init__(self, signer: Signer, issuer: str, now: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self._signer = signer
        self._now = now

    def issue(
        self, account: Object, audiences: Sequence[str], seconds: int, bound: Bound, warn_after: int = 0
    ) -> str:
        metadata = account["metadata"]
        issued = int(self._now().timestamp())
        private: dict[str, Any] = {
            "namespace": metadata["namespace"],
            "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]},
            **_bound_claims(bound),
        }
        if warn_after:
            private["warnafter"] = issued + warn_after
        return self._signer.sign(
            {
                "aud": list(audiences),
                "exp": issued + seconds,
                "iat": issued,
                "iss": self.issuer,
                "jti": str(uuid.uuid4()),
                _CLAIM: private,
                "nbf": issued,
                "sub": username(metadata["namespace"], metadata["name"]),
            }
        )


def _bound_claims(bound: Bound) -> dict[str, Any]:
    if not bound.kind:
        return {}
    claims: dict[str, Any] = {bound.kind.lower(): {"name": bound.name, "uid": bound.uid}}
    if bound.node_name:
        claims["node"] = {"name": bound.node_name, **({"uid": bound.node_uid} if bound.node_uid else {})}
    return claims


class TokenVerifier:
    """Turns a token into a user, or raises InvalidToken saying what is wrong with it."""

    def __init__(
        self,
        verifier: Verifier,
        issuers: Sequence[str],
        lookup: Lookup,
        now: Callable[[], datetime],
        note_use: Callable[[Object], None] = lambda secret: None,
        *,
        looks_up_secrets: bool = True,
    ) -> None:
        """note_use(secret) is told of each token that lives in a Secret and is shown.

        Without looks_up_secrets such a token is believed for its signature alone.
        """
        self._looks_up_secrets = looks_up_secrets
        self._verifier = verifier
        self._issuers = frozenset(issuers)
        self._lookup = lookup
        self._now = now
        self._note_use = note_use

    def verify(self, token: str, audiences: Sequence[str]) -> tuple[UserInfo, tuple[str, ...]]:
        """The user and those of `audiences` that the token is for."""
        claims = self._verifier.verify(token)
        if claims.get("iss") == _LEGACY_ISSUER:
            user = self._legacy_user(token, claims)
            LEGACY.inc()
            return user, tuple(audiences)
        if claims.get("iss") not in self._issuers:
            raise InvalidToken("unknown issuer")
        self._check_times(claims)
        meant = tuple(each for each in audiences if each in _audiences(claims))
        if not meant:
            raise InvalidToken(
                f"token audiences {_audiences(claims)} is invalid for the target audiences {list(audiences)}"
            )
        user = self._bound_user(claims)
        if warn_after := claims[_CLAIM].get("warnafter"):
            (STALE if self._now().timestamp() > warn_after else VALID).inc()
        return user, meant

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self._now().timestamp()
        if now >= claims.get("exp", 0):
            raise InvalidToken("service account token has expired")
        if now < claims.get("nbf", 0):
            raise InvalidToken("service account token is not valid yet")

    def _bound_user(self, claims: dict[str, Any]) -> UserInfo:
        private = claims.get(_CLAIM) or {}
        namespace = private.get("namespace", "")
        account = private.get("serviceaccount") or {}
        if split_username(claims.get("sub", "")) != (namespace, account.get("name")):
            raise InvalidToken("the subject does not match the service account")
        self._check_object(SERVICE_ACCOUNTS, namespace, account)
        extra: dict[str, tuple[str, ...]] = {}
        if claims.get("jti"):
            extra[_EXTRA + "credential-id"] = (f"JTI={claims['jti']}",)
        for key, resource in (("pod", PODS), ("secret", SECRETS), ("node", NODES)):
            reference = private.get(key)
            if not reference:
                continue
            # A node beside a pod is a note about where the pod runs, no bond.
            if key != "node" or "pod" not in private:
                self._check_object(resource, namespace, reference)
            if key != "secret":
                extra[f"{_EXTRA}{key}-name"] = (reference["name"],)
                extra |= {f"{_EXTRA}{key}-uid": (reference["uid"],)} if reference.get("uid") else {}
        return _user(namespace, account["name"], account.get("uid", ""), extra)

    def _check_object(self, resource: Resource, namespace: str, reference: dict[str, str]) -> None:
        found = self._lookup(resource, namespace if resource.namespaced else "", reference.get("name", ""))
        if found is None or uid_of(found) != reference.get("uid"):
            raise InvalidToken(f"{resource.kind.lower()} has been invalidated")
        deleted = get_path(found, "metadata.deletionTimestamp")
        if deleted and (self._now() - parse_time(deleted)).total_seconds() > _GRACE_AFTER_DELETION:
            raise InvalidToken(f"{resource.kind.lower()} has been deleted")

    def _legacy_user(self, token: str, claims: dict[str, Any]) -> UserInfo:
        """A token that lives in a Secret and is good as long as that holds it."""
        said = [claims.get(f"{_LEGACY_ISSUER}/{each}", "") for each in _LEGACY_CLAIMS]
        for each, value in zip(_LEGACY_CLAIMS, said, strict=True):
            if not value:
                raise InvalidToken(f"the claim {each} is missing")
        namespace, name, uid, secret = said
        if claims.get("sub") != username(namespace, name):
            raise InvalidToken("the subject does not match the service account")
        if self._looks_up_secrets:
            self._check_secret(token, namespace, secret, name)
            self._check_object(SERVICE_ACCOUNTS, namespace, {"name": name, "uid": uid})
        return _user(namespace, name, uid, {})

    def _check_secret(self, token: str, namespace: str, secret_name: str, account: str) -> None:
        secret = self._lookup(SECRETS, namespace, secret_name)
        if secret is None or get_path(secret, "metadata.deletionTimestamp") or not _holds(secret, token):
            raise InvalidToken("service account token has been invalidated")
        self._note_use(secret)
        if INVALID_SINCE in labels_of(secret):
            INVALIDATED.inc()
            text = f"the token in secret {namespace}/{secret_name} for service account "
            raise InvalidToken(f"{text}{namespace}/{account} has been marked invalid. {_MARKED}")
        owner = self._lookup(SERVICE_ACCOUNTS, namespace, account) or {}
        is_named = any(each.get("name") == secret_name for each in owner.get("secrets") or ())
        (AUTO_GENERATED if is_named else MANUAL).inc()


def _holds(secret: Object, token: str) -> bool:
    import base64

    return (secret.get("data") or {}).get("token") == base64.b64encode(token.encode()).decode()


def _audiences(claims: dict[str, Any]) -> list[str]:
    found = claims.get("aud") or []
    return [found] if isinstance(found, str) else list(found)


def _user(namespace: str, name: str, uid: str, extra: dict[str, tuple[str, ...]]) -> UserInfo:
    groups = (*service_account_groups(namespace), "system:authenticated")
    return UserInfo(username(namespace, name), uid, groups, extra)
