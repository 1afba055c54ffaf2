"""A KMS v2 provider with a plugin at a socket: wrapped keys, rotation, health, and plugins that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apimachinery.scheme import PODS, SECRETS
from apiserver.config_files import ConfigError
from apiserver.storage.encryption.config import Seams
from apiserver.storage.encryption.keeping import EncryptionKeeper
from apiserver.storage.encryption.kms.envelope import Envelope, SourceType
from apiserver.storage.interface import StorageUnreachable, UnreadableValue, UnwritableValue
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache
from tests.fakes.kms_plugin import KmsPlugin, serving
from tests.integration.plane import cancelled, eventually
from tests.integration.running_apiserver import running
from tests.unit.apiserver.storage.encryption.configurations import IDENTITY, config

KEY, OTHER = "/registry/secrets/default/a", "/registry/secrets/default/b"
PREFIX = b"k8s:enc:kms:v2:vault:"
VALUE = b'{"kind":"Secret","metadata":{"name":"a","namespace":"default"}}'


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def provider(folder: Path, name: str = "vault", timeout: str = "2s") -> dict[str, object]:
    endpoint = f"unix://{folder / 'kms.sock'}"
    return {"kms": {"apiVersion": "v2", "name": name, "endpoint": endpoint, "timeout": timeout}}


@dataclass
class World:
    """A store, a clock, a plugin and its socket; each keeper is as good as an apiserver."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    plugin: KmsPlugin = field(default_factory=KmsPlugin)
    store: MemoryStorage = field(default_factory=MemoryStorage)
    keepers: list[EncryptionKeeper] = field(default_factory=list)

    def keeper(self, *, reloads: bool = False) -> EncryptionKeeper:
        path = self.folder / "encryption.yaml"
        if not path.exists():
            path.write_bytes(config((["secrets"], [provider(self.folder), IDENTITY])))
        self.keepers.append(EncryptionKeeper(str(path), self.store, reloads=reloads, seams=Seams(self.clock)))
        return self.keepers[-1]

    async def stored(self, key: str = KEY) -> Envelope:
        found = await self.store.get(key)
        assert found is not None
        assert found.value.startswith(PREFIX)
        return Envelope.decode(found.value.removeprefix(PREFIX))

    def served(self) -> AbstractAsyncContextManager[str]:
        return serving(self.plugin, self.folder / "kms.sock")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    for each in world.keepers:
        for service in each.services:
            await service.aclose()
    await world.store.aclose()


async def test_values_are_sealed_with_a_key_that_the_plugin_wrapped(world: World) -> None:
    async with world.served():
        storage = world.keeper().storage
        await storage.create(KEY, VALUE)
        await storage.create(OTHER, VALUE)
        first, second = await world.stored(), await world.stored(OTHER)
        assert first.source == second.source
        assert (first.source.type, first.source.key_id) == (SourceType.SEED, "one")
        assert first.source.annotations == (("wrapped.example.com", b"yes"),)
        assert world.plugin.calls == ["Status", "Encrypt"]
        other = world.keeper().storage
        assert [each.value for each in (await other.list("/registry/")).items] == [VALUE, VALUE]
        assert world.plugin.calls[2:] == ["Decrypt"]


async def test_a_new_key_is_taken_into_use_and_old_values_are_stale(world: World) -> None:
    async with world.served():
        keeper = world.keeper()
        revision = await keeper.storage.create(KEY, VALUE)
        world.plugin.key_id = "two"
        world.clock.forward(21)
        assert await keeper.check() == ""
        old = await keeper.storage.get(KEY)
        assert old is not None
        assert (old.value, old.is_stale) == (VALUE, True)
        await keeper.storage.update(KEY, VALUE, revision)
        new = await keeper.storage.get(KEY)
        assert new is not None
        assert not new.is_stale
        assert (await world.stored()).source.key_id == "two"


async def test_without_its_plugin_a_server_writes_for_three_minutes_and_reads_for_good(
    world: World,
) -> None:
    keeper = world.keeper()
    async with world.served():
        await keeper.storage.create(KEY, VALUE)
    world.clock.forward(179)
    assert "failed to perform status section of the healthz check" in await keeper.check()
    await keeper.storage.create(OTHER, VALUE)
    world.clock.forward(2)
    with pytest.raises(UnwritableValue, match=r"encryptedDEKSource with keyID hash .* expired at"):
        await keeper.storage.create(f"{KEY}2", VALUE)
    assert len((await keeper.storage.list("/registry/")).items) == 2
    async with world.served(), asyncio.timeout(120):
        world.clock.forward(4)
        while await keeper.check():  # it may be a moment until it connects again
            world.clock.forward(4)
        await keeper.storage.create(f"{KEY}2", VALUE)
        # The key is the same one, and so is what it was wrapped as.
        assert world.plugin.calls.count("Encrypt") == 1


async def test_who_begins_without_the_plugin_writes_nothing_and_takes_nothing_for_unreadable(
    world: World,
) -> None:
    async with world.served():
        await world.keeper().storage.create(KEY, VALUE)
    storage = world.keeper().storage
    with pytest.raises(StorageUnreachable, match=r"failed to decrypt DEK, error: .*Unavailable"):
        await storage.get(KEY)
    with pytest.raises(StorageUnreachable):
        await anext(aiter(storage.watch("", 1)))
    with pytest.raises(UnwritableValue, match="healthz check for KMS Provider vault, error: rpc error"):
        await storage.create(OTHER, VALUE)
    world.clock.forward(4)
    async with world.served():
        assert [each.value for each in (await storage.list("/registry/")).items] == [VALUE]


async def test_others_need_not_wait_for_a_plugin_and_what_is_encrypted_is_there_once_it_is(
    world: World,
) -> None:
    async with world.served():
        await world.keeper().storage.create(KEY, VALUE)
    pod = "/registry/pods/default/p"
    await world.store.create(pod, b'{"kind":"Pod","metadata":{"name":"p","namespace":"default"}}')
    keeper = world.keeper()
    cache = WatchCache(keeper.storage)
    secrets, pods = cache.resource(SECRETS), cache.resource(PODS)
    feeding = asyncio.create_task(cache.run())
    await cache.ready.wait()
    assert (len(pods), len(secrets)) == (1, 0)
    with pytest.raises(UnreadableValue):
        secrets.check_readable("/registry/secrets/")
    async with world.served():
        world.clock.forward(4)
        assert await keeper.check() == ""
        await world.store.update(pod, b'{"kind":"Pod","metadata":{"name":"p","namespace":"default"}}', 3)
        await eventually(lambda: asyncio.sleep(0, len(secrets)))
        secrets.check_readable("/registry/secrets/")
    await cancelled(feeding)


async def test_values_whose_key_is_gone_are_unreadable_and_it_is_asked_for_once(world: World) -> None:
    async with world.served():
        storage = world.keeper().storage
        await storage.create(KEY, VALUE)
        await storage.create(OTHER, VALUE)
        del world.plugin.keys["one"]
        world.plugin.calls.clear()
        other = world.keeper().storage
        page = await other.list("/registry/")
        assert all(each.value.startswith(PREFIX) for each in page.items)
        with pytest.raises(UnreadableValue, match=r"failed to decrypt DEK, .* = NotFound desc = no key one"):
            await other.get(KEY)
        assert world.plugin.calls == ["Decrypt"]


@pytest.mark.parametrize(
    ("attribute", "value", "problem"),
    [
        ("health", "bad", "got unexpected healthz status: bad"),
        ("version", "v3", "expected KMSv2 API version v2, got v3"),
        ("version", "v2beta1", "KMSv2 API version should not change after the initial status response"),
        ("key_id", "", 'got invalid KMSv2 KeyID hash "": keyID is empty'),
    ],
)
async def test_what_a_plugin_says_of_itself_is_its_health(
    world: World, attribute: str, value: str, problem: str
) -> None:
    async with world.served():
        keeper = world.keeper()
        assert await keeper.check() == ""
        setattr(world.plugin, attribute, value)
        assert await keeper.check() == "", "it is asked once in a while"
        world.clock.forward(21)
        wanted = f"kms-provider-0: kmsv2 Provider vault is not healthy, error: {problem}"
        assert (await keeper.check()).startswith(wanted)


async def test_a_plugin_that_cannot_be_understood_is_not_well(world: World) -> None:
    world.plugin.is_garbled = True
    async with world.served():
        keeper = world.keeper()
        assert "code = Internal desc = grpc: failed to unmarshal" in await keeper.check()
        with pytest.raises(UnwritableValue, match="failed to unmarshal"):
            await keeper.storage.create(KEY, VALUE)


async def test_a_changed_file_is_used_once_its_plugins_are_well(world: World, tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_bytes(config((["secrets"], [IDENTITY])))
    keeper = world.keeper(reloads=True)
    assert keeper.is_checked
    path.write_bytes(config((["secrets"], [provider(tmp_path), IDENTITY])))
    with pytest.raises(ConfigError, match="kms-provider-0: failed to perform status section"):
        await keeper.reload()
    await keeper.storage.create(OTHER, VALUE)
    async with world.served():
        assert await keeper.reload()
        await keeper.storage.create(KEY, VALUE)
    assert (await world.stored()).source.key_id == "one"


async def test_an_apiserver_with_a_plugin(pki: Path, tmp_path: Path) -> None:
    path, plugin = tmp_path / "encryption.yaml", KmsPlugin()
    path.write_bytes(config((["secrets"], [provider(tmp_path, timeout="3s"), IDENTITY])))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "dg=="}}
    secrets = "/api/v1/namespaces/default/secrets"
    async with (
        serving(plugin, tmp_path / "kms.sock"),
        running(pki, encryption_provider_config=str(path)) as api,
        api.client("admin") as admin,
    ):
        assert (await admin.post(secrets, json=secret)).status_code == 201
        assert (await admin.get(f"{secrets}/a")).json()["data"] == {"k": "dg=="}
        endpoints = [f"/{each}/kms-providers" for each in ("healthz", "readyz", "livez")]
        assert [(await admin.get(each)).status_code for each in endpoints] == [200, 200, 404]
        stored = await api.storage.get(KEY)
        metrics = (await admin.get("/metrics")).text
    assert stored is not None
    assert stored.value.startswith(PREFIX)
    operations = "apiserver_storage_transformation_operations_total"
    assert (
        f'{operations}{{resource="secrets",status="OK",transformation_type="to_storage",'
        'transformer_prefix="k8s:enc:kms:v2:vault:"}'
    ) in metrics
