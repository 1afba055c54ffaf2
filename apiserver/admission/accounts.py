"""The ServiceAccounts that pods are given: those that there are, and those that are about to be made."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from apimachinery.objects import Object
from apimachinery.scheme import SERVICE_ACCOUNTS
from apiserver.admission.service_account import DEFAULT_ACCOUNT, AccountLookup
from apiserver.storage.cached import fresh_lookup
from apiserver.storage.resource_cache import ResourceCache
from apiserver.storage.topic import Reader
from apiserver.storage.watch_cache import WatchCache

_WAIT_SECONDS = 1.0


def account_lookup(cache: WatchCache) -> AccountLookup:
    """A ServiceAccount; one called default follows its namespace at once, so it is waited for."""
    fresh = fresh_lookup(cache)

    async def account(namespace: str, name: str) -> Object | None:
        accounts = cache.resource(SERVICE_ACCOUNTS)
        entry = accounts.get(namespace, name)
        if entry is not None:
            return entry.obj
        found = await fresh(SERVICE_ACCOUNTS, namespace, name)
        if found is None and name == DEFAULT_ACCOUNT:
            found = await _appearance(accounts, namespace, name, _WAIT_SECONDS)
        return found

    return account


async def _appearance(accounts: ResourceCache, namespace: str, name: str, seconds: float) -> Object | None:
    """An object that may come within a time."""
    reader = Reader(accounts.changes, accounts.changes.end)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while accounts.get(namespace, name) is None:
                reader.position = reader.topic.end
                await reader.wait()
    entry = accounts.get(namespace, name)
    return entry.obj if entry else None
