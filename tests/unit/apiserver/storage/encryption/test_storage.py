"""A store with encryption: plain for clients, unreadable for who looks into it, and keys that change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from apimachinery.scheme import SECRETS
from apiserver.config_files import ConfigError
from apiserver.registry.transaction import Decision, Keep, Transactions
from apiserver.storage.encryption.config import parse_config
from apiserver.storage.encryption.keeping import EncryptionKeeper
from apiserver.storage.encryption.storage import EncryptedStorage
from apiserver.storage.entry import Entry
from apiserver.storage.interface import RevisionMismatch, UnreadableValue
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache
from tests.unit.apiserver.storage.encryption.configurations import CBC, IDENTITY, KEY, OTHER, config, keys

VALUE = (
    b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"default"},"data":{"k":"dg=="}}'
)
ONE = config((["secrets"], [CBC]))
TWO = config((["secrets"], [{"aescbc": keys("two", secret=OTHER)}, CBC, IDENTITY]))


def encrypted(inner: MemoryStorage, text: bytes = ONE) -> EncryptedStorage:
    return EncryptedStorage(inner, parse_config(text))


async def raw(inner: MemoryStorage) -> bytes:
    found = await inner.get(KEY)
    assert found is not None
    return found.value


@pytest.fixture
async def inner() -> AsyncIterator[MemoryStorage]:
    storage = MemoryStorage()
    yield storage
    await storage.aclose()


async def test_only_the_store_sees_ciphertext(inner: MemoryStorage) -> None:
    storage = encrypted(inner)
    revision = await storage.create(KEY, VALUE)
    assert (await raw(inner)).startswith(b"k8s:enc:aescbc:v1:one:")
    found = await storage.get(KEY)
    assert found is not None
    assert (found.value, found.is_stale) == (VALUE, False)
    assert [each.value for each in (await storage.list("/registry/")).items] == [VALUE]
    batch = await anext(aiter(storage.watch("", revision - 1)))
    assert [each.value for each in batch.events] == [VALUE]
    with pytest.raises(RevisionMismatch) as mismatch:
        await storage.update(KEY, VALUE, 1)
    assert mismatch.value.current is not None
    assert mismatch.value.current.value == VALUE


async def load(storage: EncryptedStorage) -> WatchCache:
    cache = WatchCache(storage)
    cache.resource(SECRETS)
    feeding = asyncio.create_task(cache.run())
    await cache.ready.wait()
    feeding.cancel()
    with suppress(asyncio.CancelledError):
        await feeding
    return cache


async def keep(entry: Entry | None) -> Decision:
    return Keep(renew=True)


@pytest.mark.parametrize("before", [b"", ONE], ids=["plain", "an old key"])
async def test_a_write_that_changes_nothing_encrypts_anew(inner: MemoryStorage, before: bytes) -> None:
    await (encrypted(inner, before) if before else inner).create(KEY, VALUE)
    storage = encrypted(inner, TWO)
    transactions = Transactions(storage, (await load(storage)).resource(SECRETS))
    first = await transactions.guaranteed_update(KEY, keep)
    assert (await raw(inner)).startswith(b"k8s:enc:aescbc:v1:two:")
    again = await transactions.guaranteed_update(KEY, keep)
    assert first is not None
    assert again is not None
    assert (first.value, again.revision) == (VALUE, first.revision), "once is enough"


async def test_what_cannot_be_decrypted_is_an_error_and_not_absent(inner: MemoryStorage) -> None:
    await encrypted(inner).create(KEY, VALUE)
    storage = encrypted(inner, config((["secrets"], [{"aesgcm": keys("two")}, IDENTITY])))
    problem = "no matching prefix found"  # it was aescbc
    with pytest.raises(UnreadableValue, match=f"^{problem}$"):
        await storage.get(KEY)
    secrets = (await load(storage)).resource(SECRETS)
    with pytest.raises(UnreadableValue, match=f"^{problem}$"):
        secrets.check_object(KEY)
    with pytest.raises(UnreadableValue, match=f'^unable to transform key "{KEY}": {problem}$'):
        secrets.check_readable("/registry/secrets/default/")
    secrets.check_readable("/registry/secrets/kube-system/")


async def test_what_is_plain_is_not_read_where_nothing_plain_is_allowed(inner: MemoryStorage) -> None:
    await inner.create(KEY, VALUE)
    storage = encrypted(inner, config((["secrets"], [{"aescbc": keys("one")}])))
    with pytest.raises(UnreadableValue, match=r"^no matching prefix found$"):
        (await load(storage)).resource(SECRETS).check_object(KEY)


@pytest.mark.parametrize(
    ("provider", "kind"), [("aescbc", "AES"), ("aesgcm", "AES"), ("secretbox", "Secretbox")]
)
async def test_a_key_that_has_gone_is_told_from_a_provider_that_has(
    inner: MemoryStorage, provider: str, kind: str
) -> None:
    await encrypted(inner, config((["secrets"], [{provider: keys("old")}]))).create(KEY, VALUE)
    storage = encrypted(inner, config((["secrets"], [{provider: keys("new")}, IDENTITY])))
    with pytest.raises(
        UnreadableValue, match=f"^no matching key was found for the provided {kind} transformer$"
    ):
        await storage.get(KEY)


async def test_without_a_configuration_what_is_encrypted_is_told_as_such(inner: MemoryStorage) -> None:
    await encrypted(inner).create(KEY, VALUE)
    cache = WatchCache(inner)
    cache.resource(SECRETS)
    await cache._load()
    with pytest.raises(UnreadableValue, match="identity transformer tried to read encrypted data"):
        cache.resource(SECRETS).check_readable("/registry/secrets/")


async def test_a_changed_file_brings_new_keys(inner: MemoryStorage, tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_bytes(ONE)
    keeper = EncryptionKeeper(str(path), inner, reloads=True)
    assert not await keeper.reload()
    path.write_bytes(b"kind: Pod")
    with pytest.raises(ConfigError):
        await keeper.reload()
    path.write_bytes(TWO)
    assert await keeper.reload()
    await keeper.storage.create(KEY, VALUE)
    assert (await raw(inner)).startswith(b"k8s:enc:aescbc:v1:two:")
