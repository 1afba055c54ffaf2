"""Tokens that live in Secrets: filled in for who asks by making one, gone with their ServiceAccount.

Source: pkg/controller/serviceaccount/tokens_controller.go and pkg/serviceaccount/legacy.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    is_terminating,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.scheme import SECRETS, SERVICE_ACCOUNTS
from apimachinery.well_known import SERVICE_ACCOUNT_NAME, SERVICE_ACCOUNT_TOKEN
from client.controller import Watch, by_name
from component_base.jwt import Signer, load_private_key
from controller_manager.context import ControllerContext

_UID = "kubernetes.io/service-account.uid"
_ISSUER = "kubernetes/serviceaccount"

Sign = Callable[[Object], str]
"""sign(claims): a token."""


def completed(secret: Object, account: Object, sign: Sign, authority: bytes) -> Object | None:
    """The Secret with its token, namespace and CA; None if it has them. Pure but for `sign`."""
    before = secret.get("data") or {}
    data = dict(before)
    if authority:
        data["ca.crt"] = _encoded(authority)
    data["namespace"] = data.get("namespace") or _encoded(namespace_of(secret).encode())
    if not data.get("token"):
        data["token"] = _encoded(sign(claims_of(secret, account)).encode())
    if data == before:
        return None
    named = {SERVICE_ACCOUNT_NAME: name_of(account), _UID: uid_of(account)}
    metadata = {**secret["metadata"], "annotations": {**annotations_of(secret), **named}}
    return {**secret, "metadata": metadata, "data": data}


def claims_of(secret: Object, account: Object) -> Object:
    """A token without end: it is good as long as the Secret holds it."""
    namespace, name = namespace_of(account), name_of(account)
    return {
        "iss": _ISSUER,
        f"{_ISSUER}/namespace": namespace,
        f"{_ISSUER}/secret.name": name_of(secret),
        f"{_ISSUER}/service-account.name": name,
        f"{_ISSUER}/service-account.uid": uid_of(account),
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def is_of(secret: Object, account: Object) -> bool:
    """Whether a token Secret is this account's, and not of an earlier one of its name."""
    said = annotations_of(secret)
    is_named = said.get(SERVICE_ACCOUNT_NAME) == name_of(account)
    return is_named and said.get(_UID, uid_of(account)) == uid_of(account)


class ServiceAccountTokensController:
    name: ClassVar[str] = "serviceaccount-token-controller"

    def __init__(self, context: ControllerContext) -> None:
        options = context.options
        self._client = context.client
        self._key_file = Path(options.service_account_private_key_file)
        self._authority = Path(options.root_ca_file).read_bytes() if options.root_ca_file else b""
        self._secrets = context.informers.informer(SECRETS, field_selector=f"type={SERVICE_ACCOUNT_TOKEN}")
        self._accounts = context.informers.informer(SERVICE_ACCOUNTS)

    @cached_property
    def _signer(self) -> Signer:
        """Made when it is needed: most clusters never ask for such a token."""
        return Signer(load_private_key(self._key_file))

    def watches(self) -> list[Watch]:
        return [Watch(self._secrets, by_name), Watch(self._accounts, self._tokens_of)]

    def _tokens_of(self, account: Object) -> Iterable[NamespacedName]:
        secrets = self._secrets.list(namespace_of(account))
        return [
            key_of(each)
            for each in secrets
            if annotations_of(each).get(SERVICE_ACCOUNT_NAME) == name_of(account)
        ]

    async def reconcile(self, key: NamespacedName) -> float | None:
        secret = self._secrets.get(key)
        if secret is None or is_terminating(secret):
            return None
        account = await self._account_of(secret)
        if account is None:
            options = {"preconditions": {"uid": uid_of(secret)}}
            with suppress(NotFoundError, ConflictError):
                await self._client.delete(SECRETS, key.name, key.namespace, options=options)
        elif (wanted := completed(secret, account, self._signed, self._authority)) is not None:
            with suppress(NotFoundError):
                await self._client.update(SECRETS, wanted)
        return None

    def _signed(self, claims: Object) -> str:
        return self._signer.sign(claims)

    async def _account_of(self, secret: Object) -> Object | None:
        """The cache may be behind: that there is no account is asked for."""
        name = annotations_of(secret).get(SERVICE_ACCOUNT_NAME, "")
        account = self._accounts.get(NamespacedName(namespace_of(secret), name))
        if account is not None and is_of(secret, account):
            return account
        try:
            account = await self._client.get(SERVICE_ACCOUNTS, name, namespace_of(secret))
        except NotFoundError:
            return None
        return account if is_of(secret, account) else None
