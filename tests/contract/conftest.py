"""Real twins for the contract suites: an etcd of our own on free ports."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from apiserver.storage.etcd import EtcdStorage
from apiserver.storage.interface import Storage
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.sole_writer import SoleWriter
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.fakes.etcd_server import EtcdServer


@pytest.fixture(scope="session")
def etcd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    if shutil.which("etcd") is None:
        pytest.skip("needs etcd")
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def etcd_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    if shutil.which("etcd") is None:
        pytest.skip("needs etcd")
    folder = tmp_path_factory.mktemp("etcd")
    config = ClusterConfig(state_dir=folder, node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    server = EtcdServer(folder, config.pki)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sole", "etcd_server", "etcd_with_tls"])
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    """Both twins, empty, one of them with nobody else who writes to it; etcd also over TLS."""
    if request.param in ("memory", "sole"):
        memory = MemoryStorage()
        yield memory if request.param == "memory" else SoleWriter(memory)
        return
    server: EtcdServer = request.getfixturevalue(request.param)
    store = EtcdStorage([server.endpoint], tls=server.tls)
    for item in (await store.list("/registry/")).items:
        await store.delete(item.key, item.revision)
    yield store
    await store.aclose()
