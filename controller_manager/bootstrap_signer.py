"""Lets every bootstrap token vouch for the cluster's address and CA, and ends tokens whose time is up.

A machine that joins reads kube-public/cluster-info without knowing whom it talks to; the signature under its
own token tells it that the text is this cluster's.
Source: bootstrapsigner.go and tokencleaner.go in pkg/controller/bootstrap of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from apimachinery import scheme
from apimachinery.bootstrap_tokens import (
    CLUSTER_INFO,
    CLUSTER_INFO_NAMESPACE,
    NAMESPACE,
    SECRET_PREFIX,
    SECRET_TYPE,
    SIGNATURE_PREFIX,
    BootstrapToken,
    parse_token,
    secret_value,
    sign,
)
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, Object, is_terminating, uid_of
from apimachinery.times import parse_time
from client.controller import Watch, by_name
from client.informer import Informer
from controller_manager.context import ControllerContext

_CLUSTER_INFO = NamespacedName(CLUSTER_INFO_NAMESPACE, CLUSTER_INFO)
_KUBECONFIG = "kubeconfig"


def expires_at(secret: Object) -> datetime | None:
    """None for never; what cannot be read has expired long ago."""
    text = secret_value(secret, "expiration")
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError:
        return parse_time("1970-01-01T00:00:00Z")


def signing_tokens(secrets: Iterable[Object], now: datetime) -> list[BootstrapToken]:
    """The tokens that may sign, by id."""
    found = []
    for secret in secrets:
        token = parse_token(f"{secret_value(secret, 'token-id')}.{secret_value(secret, 'token-secret')}")
        expiration = expires_at(secret)
        if (
            token is not None
            and secret["metadata"]["name"] == f"{SECRET_PREFIX}{token.id}"
            and secret_value(secret, "usage-bootstrap-signing") == "true"
            and (expiration is None or expiration > now)
        ):
            found.append(token)
    return sorted(found, key=lambda token: token.id)


def signed_data(data: dict[str, str], tokens: Sequence[BootstrapToken]) -> dict[str, str]:
    """The ConfigMap's data with the signatures of these tokens and no others."""
    others = {key: value for key, value in data.items() if not key.startswith(SIGNATURE_PREFIX)}
    content = data.get(_KUBECONFIG)
    if content is None:
        return others
    return others | {f"{SIGNATURE_PREFIX}{token.id}": sign(content, token) for token in tokens}


def _token_secrets(context: ControllerContext) -> Informer:
    return context.informers.informer(scheme.SECRETS, field_selector=f"type={SECRET_TYPE}")


def _in_kube_system(secrets: Informer) -> list[Object]:
    return [each for each in secrets.list() if each["metadata"]["namespace"] == NAMESPACE]


class BootstrapSigner:
    """Keeps the signatures of kube-public/cluster-info."""

    name = "bootstrap-signer-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._secrets = _token_secrets(context)
        only = f"metadata.name={CLUSTER_INFO}"
        self._config_maps = context.informers.informer(scheme.CONFIG_MAPS, field_selector=only)

    def watches(self) -> list[Watch]:
        return [Watch(each, lambda _: (_CLUSTER_INFO,)) for each in (self._config_maps, self._secrets)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        info = self._config_maps.get(key)
        if info is None:
            return None
        before = info.get("data") or {}
        after = signed_data(before, signing_tokens(_in_kube_system(self._secrets), self._now()))
        if after != before:
            await self._client.update(scheme.CONFIG_MAPS, {**info, "data": after})
        return None


class TokenCleaner:
    """Deletes the Secrets of expired tokens."""

    name = "token-cleaner-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._secrets = _token_secrets(context)

    def watches(self) -> list[Watch]:
        return [Watch(self._secrets, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        secret = self._secrets.get(key)
        if secret is None or key.namespace != NAMESPACE or is_terminating(secret):
            return None
        expiration = expires_at(secret)
        if expiration is None:
            return None
        remaining = (expiration - self._now()).total_seconds()
        if remaining > 0:
            return remaining
        options = {"preconditions": {"uid": uid_of(secret)}}
        with suppress(NotFoundError):
            await self._client.delete(scheme.SECRETS, key.name, key.namespace, options=options)
        return None
