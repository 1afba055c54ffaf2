"""Real twins for the contract suites: an etcd of our own on free ports."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from apiserver.storage.etcd import EtcdStorage
from apiserver.storage.interface import Storage
from apiserver.storage.memory import MemoryStorage
from tests.fakes.etcd_server import EtcdServer


@pytest.fixture(scope="session")
def etcd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    if shutil.which("etcd") is None:
        pytest.skip("needs etcd")
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "etcd"])
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    """Both twins, empty."""
    if request.param == "memory":
        yield MemoryStorage()
        return
    store = EtcdStorage([request.getfixturevalue("etcd_server").endpoint])
    for item in (await store.list("/registry/")).items:
        await store.delete(item.key, item.revision)
    yield store
    await store.close()
