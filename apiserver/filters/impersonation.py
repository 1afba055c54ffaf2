"""Lets those who may impersonate act as somebody else: Impersonate-User, -Group, -Uid and -Extra-*.

Source: staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation.go of Kubernetes 1.34.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from apiserver.asgi import App, Receive, Scope, Send
from apiserver.auth.attributes import Attributes, forbidden
from apiserver.auth.authorizer import Authorizer
from apiserver.auth.service_accounts import service_account_groups, split_username
from apiserver.filters.request_info import KEY
from apiserver.request import UserInfo
from apiserver.responses import send_server_error

log = logging.getLogger(__name__)

_EXTRA = "impersonate-extra-"
_ANONYMOUS = "system:anonymous"
_AUTHENTICATED, _UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"


class NobodyMeant(Exception):
    """Headers that name groups and the like, but nobody to have them."""


class Impersonation:
    """Replaces the user of a request by the one its headers name, each part of it allowed on its own."""

    def __init__(self, app: App, authorizer: Authorizer) -> None:
        self._app = app
        self._authorizer = authorizer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None and any(name.startswith("impersonate-") for name in info.headers):
            try:
                wanted = requested_user(scope["headers"])
            except NobodyMeant as error:
                return await send_server_error(scope, send, error)
            if wanted is not None:
                await self._check(info.user, wanted)
                log.debug("Impersonated: user=%s as=%s", info.user.name, wanted.name)
                info.user = with_implied_groups(wanted)
        await self._app(scope, receive, send)

    async def _check(self, user: UserInfo, wanted: UserInfo) -> None:
        """Raises ForbiddenError."""
        for attributes in _questions(user, wanted):
            decision = await self._authorizer.authorize(attributes)
            if not decision.allowed:
                raise forbidden(attributes, decision.reason)


def requested_user(headers: list[tuple[bytes, bytes]]) -> UserInfo | None:
    """The user that headers ask for. Raises NobodyMeant."""
    first: dict[str, str] = {}
    groups: list[str] = []
    extra: dict[str, tuple[str, ...]] = {}
    for raw_key, raw_value in headers:
        key, value = raw_key.decode("latin-1"), raw_value.decode("latin-1")
        if key in ("impersonate-user", "impersonate-uid"):
            first.setdefault(key, value)
        elif key == "impersonate-group":
            groups.append(value)
        elif key.startswith(_EXTRA):
            extra_key = unquote(key[len(_EXTRA) :])
            extra[extra_key] = (*extra.get(extra_key, ()), value)
    name, uid = first.get("impersonate-user", ""), first.get("impersonate-uid", "")
    if not name:
        if groups or uid or extra:
            raise NobodyMeant(_as_go_prints_it(groups, uid, extra))
        return None
    return UserInfo(name, uid, tuple(groups), extra)


def _as_go_prints_it(groups: Iterable[str], uid: str, extra: Mapping[str, Iterable[str]]) -> str:
    """The list of ObjectReferences that upstream makes of headers, in %v."""
    found = [f"{{Group  {each}    }}" for each in groups]
    for key, values in extra.items():
        found += [f"{{UserExtra  {each}  authentication.k8s.io/v1  {key}}}" for each in values]
    if uid:
        found.append(f"{{UID  {uid}  authentication.k8s.io/v1  }}")
    return f"requested [{' '.join(found)}] without impersonating a user"


def _questions(user: UserInfo, wanted: UserInfo) -> Iterator[Attributes]:
    """What `user` must be allowed in order to act as `wanted`."""

    def ask(resource: str, name: str, namespace: str = "", subresource: str = "") -> Attributes:
        group = "authentication.k8s.io" if resource in ("userextras", "uids") else ""
        where = (namespace, group, "v1", resource, subresource, name)
        return Attributes(user, "impersonate", *where, is_resource=True)

    account = split_username(wanted.name)
    yield ask("serviceaccounts", account[1], account[0]) if account else ask("users", wanted.name)
    for group in wanted.groups:
        yield ask("groups", group)
    for key, values in wanted.extra.items():
        for value in values:
            yield ask("userextras", value, subresource=key)
    if wanted.uid:
        yield ask("uids", wanted.uid)


def with_implied_groups(user: UserInfo) -> UserInfo:
    """With the groups that authentication would have added: a service account's, and system:authenticated."""
    groups = user.groups
    account = split_username(user.name)
    if account and not groups:
        groups = service_account_groups(account[0])
    if user.name == _ANONYMOUS:
        implied = _UNAUTHENTICATED
    else:
        implied = "" if _UNAUTHENTICATED in groups else _AUTHENTICATED
    if implied and implied not in groups:
        groups = (*groups, implied)
    return UserInfo(user.name, user.uid, groups, user.extra)
