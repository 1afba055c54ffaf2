"""Tokens in Secrets that were made for ServiceAccounts unasked: marked when unused for a year, then deleted.

Source: pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go. It looks at all of them once a
day, and only after use has been noted for a whole period (apiserver/auth/legacy_tokens.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.legacy_tokens import INVALID_SINCE, LAST_USED, SINCE, TRACKING
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.pod_references import references_of
from apimachinery.scheme import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS
from apimachinery.times import parse_time
from apimachinery.well_known import SERVICE_ACCOUNT_NAME, SERVICE_ACCOUNT_TOKEN
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext
from controller_manager.service_account_tokens import is_of

_LOOK_SECONDS = 86400.0
_DAY = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Mark:
    """A Secret whose token is to be refused from now on; whoever still needs it takes the label away."""

    secret: Object
    day: str


@dataclass(frozen=True, slots=True)
class Delete:
    secret: Object


def plan(
    secrets: Iterable[Object],
    account_of: Callable[[Object], Object | None],
    mounted_in: Callable[[str], Collection[str]],
    *,
    now: datetime,
    since: datetime,
    period: timedelta,
) -> Iterator[Mark | Delete]:
    """`since`: the day when noting began; `mounted_in(namespace)` names the Secrets that pods use there."""
    if now < since + timedelta(days=1) + period:
        return
    limit = now - period
    last_day = limit.strftime(_DAY)
    for secret in secrets:
        if not _is_old(secret, limit) or _was_used(secret, last_day):
            continue
        account = account_of(secret)
        if account is None or not _refers_to(account, secret):
            continue
        if name_of(secret) in mounted_in(namespace_of(secret)):
            continue
        marked = labels_of(secret).get(INVALID_SINCE, "")
        if not _is_day(marked):
            yield Mark(secret, now.strftime(_DAY))
        elif marked < last_day:
            yield Delete(secret)


def _is_old(secret: Object, limit: datetime) -> bool:
    return not is_terminating(secret) and parse_time(secret["metadata"]["creationTimestamp"]) < limit


def _was_used(secret: Object, last_day: str) -> bool:
    """Or may have been: a date that is none tells nothing."""
    used = labels_of(secret).get(LAST_USED)
    return used is not None and (not _is_day(used) or used >= last_day)


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, _DAY)
    except ValueError:
        return False
    return len(text) == len("2026-01-01")


def _refers_to(account: Object, secret: Object) -> bool:
    """As those that were made unasked are; who makes one himself does not enter it there."""
    return any(each.get("name") == name_of(secret) for each in account.get("secrets") or ())


class LegacyTokenCleaner:
    name: ClassVar[str] = "legacy-serviceaccount-token-cleaner-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._period = timedelta(seconds=context.options.legacy_service_account_token_clean_up_period)
        informers = context.informers
        self._tracking = informers.informer(CONFIG_MAPS, field_selector=f"metadata.name={TRACKING.name}")
        self._secrets = informers.informer(SECRETS, field_selector=f"type={SERVICE_ACCOUNT_TOKEN}")
        self._accounts = informers.informer(SERVICE_ACCOUNTS)
        self._pods = informers.informer(PODS)

    def watches(self) -> list[Watch]:
        return [Watch(self._tracking, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        tracking = self._tracking.get(key)
        since = (tracking.get("data") or {}).get(SINCE, "") if tracking else ""
        if key != TRACKING or not _is_day(since):
            return None
        steps = plan(
            self._secrets.list(),
            self._account_of,
            self._mounted_in,
            now=self._now().astimezone(UTC),
            since=datetime.strptime(since, _DAY).replace(tzinfo=UTC),
            period=self._period,
        )
        for step in list(steps):
            with suppress(NotFoundError, ConflictError):
                await self._carry_out(step)
        return _LOOK_SECONDS

    async def _carry_out(self, step: Mark | Delete) -> None:
        name, namespace = name_of(step.secret), namespace_of(step.secret)
        if isinstance(step, Mark):
            marked = {"metadata": {"uid": uid_of(step.secret), "labels": {INVALID_SINCE: step.day}}}
            await self._client.patch(SECRETS, name, marked, namespace)
        else:
            version = step.secret["metadata"]["resourceVersion"]
            options = {"preconditions": {"resourceVersion": version}}
            await self._client.delete(SECRETS, name, namespace, options=options)

    def _account_of(self, secret: Object) -> Object | None:
        name = annotations_of(secret).get(SERVICE_ACCOUNT_NAME, "")
        account = self._accounts.get(NamespacedName(namespace_of(secret), name))
        return account if account is not None and is_of(secret, account) else None

    def _mounted_in(self, namespace: str) -> set[str]:
        references = (each for pod in self._pods.list(namespace) for each in references_of(pod))
        return {name for plural, name in references if plural == "secrets"}
